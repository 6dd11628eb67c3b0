// Reads what OTLP/JSON metrics and traces have in common: objects, lists, attributes, numbers and times in untrusted input.

/** An object of parsed JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Attributes by name, with plain JSON values. */
export type Attributes = Readonly<Record<string, unknown>>;

/** The document does not have the structure of OTLP, so all of it is rejected. */
export class MalformedOtlp extends Error {}

const maxAttributes = 128;
const maxNameLength = 255;
const maxTextLength = 4096;
const maxItems = 128;
const maxNanoseconds = 2 ** 64;

/** Whether a value is a JSON object, neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a list member, none if it is absent. Throws `MalformedOtlp` for anything else. */
export function objectsOf(parent: JsonObject, member: string): readonly JsonObject[] {
  const list = parent[member];
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw new MalformedOtlp(`${member} must be a list`);
  if (!list.every(isObject)) throw new MalformedOtlp(`${member} must be a list of objects`);
  return list;
}

/** An object member, empty if it is absent. Throws `MalformedOtlp` for anything else. */
export function objectOf(parent: JsonObject, member: string): JsonObject {
  const value = parent[member];
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new MalformedOtlp(`${member} must be an object`);
  return value;
}

/** A text, cut to its maximum length; empty for anything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, maxTextLength) : '';
}

/** The attribute list as an object of bounded size; invalid entries are left out. */
export function attributesOf(parent: JsonObject): Attributes {
  const entries: [string, unknown][] = [];
  for (const { key, value } of objectsOf(parent, 'attributes').slice(0, maxAttributes)) {
    if (typeof key !== 'string' || key === '') continue;
    entries.push([key.slice(0, maxNameLength), plainValue(value)]);
  }
  // fromEntries defines the members, so a key called __proto__ is a name like any other.
  return Object.fromEntries(entries);
}

/** The plain form of an OTLP value: `{ "intValue": "7" }` becomes 7. */
function plainValue(value: unknown): unknown {
  if (!isObject(value)) return null;
  if (typeof value['stringValue'] === 'string') return textOf(value['stringValue']);
  if (typeof value['boolValue'] === 'boolean') return value['boolValue'];
  if (value['intValue'] !== undefined) return integerOf(value['intValue']);
  if (value['doubleValue'] !== undefined) return jsonNumber(doubleOf(value['doubleValue']) ?? Number.NaN);
  if (typeof value['bytesValue'] === 'string') return textOf(value['bytesValue']);
  if (isObject(value['arrayValue'])) {
    const { values } = value['arrayValue'];
    return Array.isArray(values) ? values.slice(0, maxItems).map(plainValue) : [];
  }
  return isObject(value['kvlistValue']) ? attributesOf({ attributes: value['kvlistValue']['values'] }) : null;
}

/** A 64-bit integer, which JSON carries as text: a number if that is exact, else the text; `null` if invalid. */
function integerOf(value: unknown): number | string | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : null;
  if (typeof value !== 'string' || !/^-?\d{1,20}$/.test(value)) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A double, `null` if invalid. Values that are not finite arrive as text, since JSON has no form for them. */
export function doubleOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  return null;
}

/** A 64-bit integer as a number, rounded if it is too large to be exact; `null` if invalid. */
export function countOf(value: unknown): number | null {
  const integer = integerOf(value);
  return integer === null ? null : Number(integer);
}

/** The JSON form of a number: text if it is not finite. */
export function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** Nanoseconds since 1970 as fractional milliseconds; `null` if absent, 0 or invalid. */
export function timeMsOf(value: unknown): number | null {
  if (typeof value === 'number') return value > 0 && value <= maxNanoseconds ? value / 1e6 : null;
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) return null;
  // Split the text, since no number holds today's nanoseconds exactly.
  const milliseconds = Number(value.slice(0, -6));
  const rest = Number(value.slice(-6)) / 1e6;
  return milliseconds > 0 ? milliseconds + rest : null;
}
