// Reads the parts that OTLP/JSON metrics and traces share: lists, attributes, numbers and times of strangers.
import { isObject } from '../store/received-span.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Attributes by name, their values as plain JSON. */
export type Attributes = Readonly<Record<string, unknown>>;

/** The document is not of the form that OTLP has; nothing of it is taken. */
export class MalformedOtlp extends Error {}

const maximumAttributes = 128;
const maximumNameLength = 255;
const maximumTextLength = 4096;
const maximumItems = 128;

/** Objects of a list; an absent one is empty. Throws `MalformedOtlp` for anything else, naming the member. */
export function objectsOf(parent: JsonObject, member: string): readonly JsonObject[] {
  const list = parent[member];
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw new MalformedOtlp(`${member} must be a list`);
  if (!list.every(isObject)) throw new MalformedOtlp(`${member} must be a list of objects`);
  return list;
}

/** An object; an absent one is empty. Throws `MalformedOtlp` for anything else, naming the member. */
export function objectOf(parent: JsonObject, member: string): JsonObject {
  const value = parent[member];
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new MalformedOtlp(`${member} must be an object`);
  return value;
}

/** A text within bounds, empty for anything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, maximumTextLength) : '';
}

/** The list of key and value as an object, bounded; what is no attribute is left out. */
export function attributesOf(parent: JsonObject): Attributes {
  const entries: [string, unknown][] = [];
  for (const { key, value } of objectsOf(parent, 'attributes').slice(0, maximumAttributes)) {
    if (typeof key !== 'string' || key === '') continue;
    entries.push([key.slice(0, maximumNameLength), plainValue(value)]);
  }
  // Defines members, so that one called __proto__ is a name like any other.
  return Object.fromEntries(entries);
}

/** `{ "intValue": "7" }` is 7. */
function plainValue(value: unknown): unknown {
  if (!isObject(value)) return null;
  if (typeof value['stringValue'] === 'string') return textOf(value['stringValue']);
  if (typeof value['boolValue'] === 'boolean') return value['boolValue'];
  if (value['intValue'] !== undefined) return integerOf(value['intValue']);
  if (value['doubleValue'] !== undefined) return shownNumber(doubleOf(value['doubleValue']) ?? Number.NaN);
  if (typeof value['bytesValue'] === 'string') return textOf(value['bytesValue']);
  if (isObject(value['arrayValue'])) {
    const { values } = value['arrayValue'];
    return Array.isArray(values) ? values.slice(0, maximumItems).map(plainValue) : [];
  }
  return isObject(value['kvlistValue']) ? attributesOf({ attributes: value['kvlistValue']['values'] }) : null;
}

/** A 64-bit integer, which is text in JSON: as number where that is exact, else as text; `null` when it is none. */
function integerOf(value: unknown): number | string | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : null;
  if (typeof value !== 'string' || !/^-?\d{1,20}$/.test(value)) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A double; JSON has no form for those that are not finite, so they come as text. `null` when it is none. */
export function doubleOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  return null;
}

/** A 64-bit integer as number, rounded where it is beyond what is exact; `null` when it is none. */
export function countOf(value: unknown): number | null {
  const integer = integerOf(value);
  return integer === null ? null : Number(integer);
}

/** As JSON can show it: a number that is not finite as text. */
export function shownNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** Nanoseconds since 1970, text or number, as milliseconds with their fraction; `null` when absent, 0 or no time. */
export function timeMsOf(value: unknown): number | null {
  if (typeof value === 'number') return value > 0 && value <= longestNanoseconds ? value / 1e6 : null;
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) return null;
  // Split, since no number holds today's nanoseconds exactly.
  const milliseconds = Number(value.slice(0, -6));
  const rest = Number(value.slice(-6)) / 1e6;
  return milliseconds > 0 ? milliseconds + rest : null;
}

const longestNanoseconds = 2 ** 64;
