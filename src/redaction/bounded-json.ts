// JSON of application values: bounded in size, redacted, and never throwing. Omitted and unreadable parts are marked.
import { redacted } from './secret-names.js';

// Taken early, because an application may replace them. The iterators of a subclass might never end.
const { stringify } = JSON;
const { byteLength } = Buffer;
const mapEntries = Map.prototype.entries;
const setValues = Set.prototype.values;

const maxDepth = 8;
const maxMembers = 200;
const maxTextLength = 25_000;
const cut = '…';
/** A short text without characters to escape: tag names and most of their values. */
const plain = /^[\w .:/@-]{0,100}$/;
const plainName = /^[\w.-]{0,100}$/;
const unreadable = '[cannot be read]';
/** Converting a larger number to text takes too long. */
const maxBigInt = 10n ** 1000n;
/** The most bytes that one UTF-16 unit takes: as UTF-8, and as an escape sequence of JSON. */
const bytesPerUnit = [3, 6];

/** Decides which members are secret, and redacts the text of the others. */
export interface TagRedactor {
  isSecret(name: string): boolean;
  redactTag(name: string, text: string): string;
}

/** JSON text of a value, of about `budget` bytes at most. A getter or proxy that throws is replaced by a text. */
export function boundedJson(value: unknown, budget = 32_768, redactor: TagRedactor | null = null): string {
  return new BoundedWriter(budget, redactor).write(value, 0);
}

class BoundedWriter {
  #left: number;
  readonly #path: unknown[] = [];
  readonly #redactor: TagRedactor | null;
  /** Name of the member that is being written. */
  #name = '';

  constructor(budget: number, redactor: TagRedactor | null) {
    this.#left = budget;
    this.#redactor = redactor;
  }

  write(value: unknown, depth: number): string {
    try {
      return this.#value(value, depth);
    } catch {
      return this.#text(unreadable);
    }
  }

  #value(value: unknown, depth: number): string {
    switch (typeof value) {
      case 'string':
        return this.#text(this.#redactText(value));
      case 'number':
        return this.#spend(Number.isFinite(value) ? `${value}` : `"${value}"`);
      case 'boolean':
        return this.#spend(value ? 'true' : 'false');
      case 'bigint':
        return this.#text(value > -maxBigInt && value < maxBigInt ? String(value) : '[bigint]');
      case 'symbol':
        return this.#text(this.#redactText(String(value)));
      case 'function':
        return this.#text('[function]');
      case 'undefined':
        return this.#spend('null');
      case 'object':
        return value === null ? this.#spend('null') : this.#object(value, depth);
    }
  }

  #object(value: object, depth: number): string {
    if (this.#path.includes(value)) return this.#text('[circular]');
    if (depth >= maxDepth) return this.#text(Array.isArray(value) ? '[array]' : '[object]');
    const text = textOfObject(value);
    if (text !== null) return this.#text(this.#redactText(text));
    this.#left -= 2; // the brackets; otherwise a wide tree of empty lists would be unbounded
    this.#path.push(value);
    try {
      if (Array.isArray(value)) return this.#array(value, depth);
      if (value instanceof Map) return this.#map(value, depth);
      if (value instanceof Set) return this.#set(value, depth);
      return this.#members(value as Record<string, unknown>, depth); // any other object is written like a plain one
    } finally {
      this.#path.pop();
    }
  }

  #array(list: readonly unknown[], depth: number): string {
    let text = '';
    for (let index = 0; index < list.length; index++) {
      if (this.#isFull(index)) {
        text += `,"${cut} ${list.length - index} more"`;
        break;
      }
      text += `,${this.#element(list, index, depth)}`;
    }
    return `[${text.slice(1)}]`;
  }

  #element(list: readonly unknown[], index: number, depth: number): string {
    let value: unknown = unreadable;
    try {
      value = list[index];
    } catch {
      // The application's getter or proxy threw.
    }
    return this.write(value, depth + 1);
  }

  #set(set: ReadonlySet<unknown>, depth: number): string {
    let text = '';
    let count = 0;
    for (const value of setValues.call(set)) {
      if (this.#isFull(count)) {
        text += `,"${cut} ${set.size - count} more"`;
        break;
      }
      count++;
      text += `,${this.write(value, depth + 1)}`;
    }
    return `[${text.slice(1)}]`;
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): string {
    let text = '';
    let count = 0;
    for (const [key, value] of mapEntries.call(map)) {
      if (this.#isFull(count)) {
        text += `,"${cut}":"${map.size - count} more"`;
        break;
      }
      count++;
      const name = keyText(key);
      text += `,${this.#nameText(name)}:${this.#memberValue(name, value, depth)}`;
    }
    return `{${text.slice(1)}}`;
  }

  #members(object: Readonly<Record<string, unknown>>, depth: number): string {
    const keys = Object.keys(object);
    if (keys.length === 0 && !isPlain(object)) return this.#text(`[${className(object)}]`);
    let text = '';
    for (let index = 0; index < keys.length; index++) {
      if (this.#isFull(index)) {
        text += `,"${cut}":"${keys.length - index} more"`;
        break;
      }
      text += this.#member(object, keys[index] as string, depth); // inside the bounds
    }
    return `{${text.slice(1)}}`;
  }

  #member(object: Readonly<Record<string, unknown>>, key: string, depth: number): string {
    let value: unknown = unreadable;
    try {
      value = object[key];
    } catch {
      // The application's getter or proxy threw.
    }
    return value === undefined ? '' : `,${this.#nameText(key)}:${this.#memberValue(key, value, depth)}`;
  }

  /** A name may contain a URL. */
  #nameText(name: string): string {
    if (this.#redactor === null || plainName.test(name)) return this.#text(name);
    return this.#text(this.#redactor.redactTag('', name.slice(0, maxTextLength + 1)));
  }

  /** The value of a named member, redacted if its name is secret. */
  #memberValue(key: string, value: unknown, depth: number): string {
    if (this.#redactor === null) return this.write(value, depth + 1);
    this.#name = key;
    return this.write(this.#redactor.isSecret(key) ? redacted : value, depth + 1);
  }

  #isFull(members: number): boolean {
    this.#left--; // the comma
    return members >= maxMembers || this.#left <= 0;
  }

  #text(text: string): string {
    if (text.length < this.#left && plain.test(text)) return this.#spend(`"${text}"`);
    const room = Math.max(0, Math.min(maxTextLength, this.#left));
    let json = stringify(text.length > room ? text.slice(0, room) + cut : text);
    let bytes = byteLength(json);
    // Rare: the text has characters of several bytes, or many that need escaping.
    for (const units of bytesPerUnit) {
      if (bytes <= Math.max(room, 64) + 8) break;
      json = stringify(text.slice(0, Math.floor(room / units)) + cut);
      bytes = byteLength(json);
    }
    this.#left -= bytes;
    return json;
  }

  /** Redacts a text of the application. The result of an oversized text stays too long for `#text`, which cuts and marks it. */
  #redactText(text: string): string {
    if (this.#redactor === null) return text;
    return this.#redactor.redactTag(this.#name, text.slice(0, maxTextLength + 1));
  }

  #spend(json: string): string {
    this.#left -= json.length;
    return json;
  }
}

/** The text for objects whose members carry no information; null for all others. */
function textOfObject(value: object): string | null {
  if (isPlain(value) || Array.isArray(value)) return null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (ArrayBuffer.isView(value)) return `[${className(value)} of ${value.byteLength} bytes]`;
  if (value instanceof RegExp || value instanceof String || value instanceof Number || value instanceof Boolean)
    return String(value);
  return null;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function className(value: object): string {
  const { name } = value.constructor as { name?: unknown };
  return typeof name === 'string' && name !== '' ? name : 'object';
}

function keyText(key: unknown): string {
  if (typeof key === 'object' && key !== null) return '[object]';
  return typeof key === 'function' ? '[function]' : String(key);
}
