// Attributes in OTLP/JSON: typed values, each key once.
import { plainJson, quote } from '../core/plain-json.js';

const { isArray } = Array;

/**
 * The JSON of a list of attributes. Attributes of the protocol come first, with keys that differ by construction; an attribute of the
 * application whose key is already there is left out.
 */
export class AttributeList {
  #text = '';
  /** The text up to the first attribute of the application, and the keys since; null before. */
  #protocol: string | null = null;
  #keys: Set<string> | null = null;

  /** The attributes, separated by commas; empty without any. */
  toString(): string {
    return this.#text;
  }

  /** Adds a text of the protocol, given as JSON. */
  addText(key: string, json: string): void {
    this.addFragment(`{"key":"${key}","value":{"stringValue":${json}}}`);
  }

  /** Adds an integer of the protocol. */
  addInteger(key: string, value: number): void {
    this.addFragment(`{"key":"${key}","value":{"intValue":"${value}"}}`);
  }

  /** Adds a value of the protocol that is not known to have the right type. */
  addValue(key: string, value: unknown): void {
    const json = valueJson(value);
    if (json !== null) this.addFragment(`{"key":"${key}","value":${json}}`);
  }

  /** Adds attributes of the protocol that are JSON already; the empty text adds none. */
  addFragment(json: string): void {
    if (json === '') return;
    this.#text += this.#text === '' ? json : `,${json}`;
  }

  /** Adds an attribute of the application, unless its key is there or its value is nothing. */
  add(key: string, value: unknown): void {
    const json = valueJson(value);
    if (json === null || key === '' || this.#has(key)) return;
    this.#keys?.add(key);
    this.addFragment(`{"key":${quote(key)},"value":${json}}`);
  }

  /** Adds each member of an object. */
  addAll(members: Readonly<Record<string, unknown>>): void {
    for (const key of Object.keys(members)) this.add(key, members[key]);
  }

  #has(key: string): boolean {
    this.#keys ??= new Set();
    this.#protocol ??= this.#text;
    // Quotes inside of values are escaped, so that this text is a key wherever it occurs.
    return this.#keys.has(key) || this.#protocol.includes(`{"key":${quote(key)},`);
  }
}

/** An AnyValue; null for undefined, null, functions and symbols. Objects, and lists of anything else than values of one type, become JSON text. */
function valueJson(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${quote(value)}}`;
    case 'boolean':
      return `{"boolValue":${value}}`;
    case 'number':
      return Number.isSafeInteger(value) ? `{"intValue":"${value}"}` : `{"doubleValue":${value}}`;
    case 'object':
      break;
    default:
      return null;
  }
  if (value === null) return null;
  if (!isArray(value) || !isUniform(value)) return `{"stringValue":${quote(plainJson(value))}}`;
  return `{"arrayValue":{"values":[${value.map(valueJson).join(',')}]}}`;
}

/** Whether a list has values of one type that is not `object`; true for the empty list. */
function isUniform(list: readonly unknown[]): boolean {
  const [first] = list;
  return typeof first !== 'object' && list.every((entry) => typeof entry === typeof first);
}
