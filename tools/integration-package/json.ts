// Reads untrusted JSON piece by piece, and prints ours.

/** A JSON object with members of unknown types. */
export type JsonObject = Record<string, unknown>;

/** The value as an object; an empty one for everything else. */
export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** True for an object, not for null or a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as a list; an empty one for everything else. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value as a text; null for everything else. */
export function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Neither absent, nor null, nor an empty text, list or object. */
export function isFilled(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isObject(value) || Object.keys(value).length > 0;
}

/** JSON with two spaces per level and a final line break. */
export function printJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
