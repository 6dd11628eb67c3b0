// JSON of whatever a program holds: bounded, never throwing, with what was cut or cannot be shown marked as such.

const stringify = JSON.stringify; // an application may replace it
const maximumDepth = 8;
const maximumMembers = 200;
const maximumTextLength = 25_000;
const cut = '…';

/** JSON text of a value, of about `budget` characters at most. Getters and proxies that throw show as text. */
export function boundedJson(value: unknown, budget = 32_768): string {
  return new BoundedWriter(budget).write(value, 0);
}

class BoundedWriter {
  #left: number;
  readonly #path: unknown[] = [];

  constructor(budget: number) {
    this.#left = budget;
  }

  write(value: unknown, depth: number): string {
    try {
      return this.#value(value, depth);
    } catch {
      return this.#text('[cannot be read]');
    }
  }

  #value(value: unknown, depth: number): string {
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        return this.#spend(Number.isFinite(value) ? String(value) : `"${value}"`);
      case 'boolean':
        return this.#spend(String(value));
      case 'bigint':
        return this.#text(String(value));
      case 'symbol':
        return this.#text(String(value));
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
    if (depth >= maximumDepth) return this.#text(Array.isArray(value) ? '[array]' : '[object]');
    if (value instanceof Date) return this.#text(Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString());
    if (value instanceof Error) return this.#text(`${value.name}: ${value.message}`);
    if (ArrayBuffer.isView(value)) return this.#text(`[${value.constructor.name} of ${value.byteLength} bytes]`);
    this.#path.push(value);
    try {
      if (Array.isArray(value)) return this.#array(value, depth);
      if (value instanceof Map)
        return this.#members(
          [...value.entries()].map(([key, entry]) => [String(key), () => entry]),
          depth,
        );
      if (value instanceof Set) return this.#array([...value], depth);
      const keys = Object.keys(value);
      return this.#members(
        keys.map((key) => [key, () => (value as Record<string, unknown>)[key]]),
        depth,
      );
    } finally {
      this.#path.pop();
    }
  }

  #array(list: readonly unknown[], depth: number): string {
    const parts: string[] = [];
    for (let index = 0; index < list.length; index++) {
      if (index >= maximumMembers || this.#left <= 0) {
        parts.push(`"${cut} ${list.length - index} more"`);
        break;
      }
      parts.push(this.write(list[index], depth + 1));
    }
    return `[${parts.join(',')}]`;
  }

  #members(members: readonly (readonly [string, () => unknown])[], depth: number): string {
    const parts: string[] = [];
    for (const [key, read] of members) {
      if (parts.length >= maximumMembers || this.#left <= 0) {
        parts.push(`"${cut}":"${members.length - parts.length} more"`);
        break;
      }
      let value: unknown;
      try {
        value = read();
      } catch {
        value = '[cannot be read]';
      }
      if (value === undefined) continue;
      parts.push(`${this.#text(key)}:${this.write(value, depth + 1)}`);
    }
    return `{${parts.join(',')}}`;
  }

  #text(text: string): string {
    const room = Math.max(0, Math.min(maximumTextLength, this.#left));
    return this.#spend(stringify(text.length > room ? text.slice(0, room) + cut : text));
  }

  #spend(json: string): string {
    this.#left -= json.length;
    return json;
  }
}
