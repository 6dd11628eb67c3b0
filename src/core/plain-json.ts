// JSON of our own plain data, independent of what the application does to shared prototypes.

/** The JSON form of a text. Taken before the application can replace it: this module is loaded with the sensor. */
export const quote: (text: string) => string = JSON.stringify;
const { isArray } = Array;
const { keys } = Object;

/**
 * The JSON text of texts, numbers, flags, null, and lists and objects of them; members that are undefined are left out. Unlike
 * `JSON.stringify` it does not call a `toJSON` of `Object.prototype`. Not for the application's data: it must not be circular.
 */
export function plainJson(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : 'null';
  if (typeof value === 'boolean') return `${value}`;
  if (typeof value !== 'object' || value === null) return 'null';
  return isArray(value) ? `[${elements(value)}]` : `{${members(value as Record<string, unknown>)}}`;
}

function elements(list: readonly unknown[]): string {
  let text = '';
  for (let index = 0; index < list.length; index++) text += `${index === 0 ? '' : ','}${plainJson(list[index])}`;
  return text;
}

function members(object: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (const key of keys(object)) {
    const value = object[key];
    if (value !== undefined) text += `${text === '' ? '' : ','}${quote(key)}:${plainJson(value)}`;
  }
  return text;
}
