// JSON of strangers, looked at piece by piece, and JSON of ours, written down.

export type JsonObject = Record<string, unknown>;

/** The value as an object; an empty one for everything else. */
export function asObject(value: unknown): JsonObject {
  // What is neither null nor a list nor a simple value has members.
  return isObject(value) ? value : {};
}

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

/** Two blanks a level, and a line break at the end. */
export function printJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
