// Reads comma-separated header lists in place: positions instead of substrings, so that long lists make no garbage.

/** Kinds of characters, as bits. Characters outside ASCII are of no kind. */
export const keyKind = 1;
export const valueKind = 2;
export const tokenKind = 4;
export const octetKind = 8;
export const spaceKind = 16;

/** Characters of each kind, as ranges: first and last, first and last. */
const ranges: readonly (readonly [kind: number, ranges: string])[] = [
  [keyKind, 'az09__--**//@@'],
  [valueKind, ' +-<>~'],
  [tokenKind, "azAZ09__!!#'*+--..^^``||~~"],
  [octetKind, '!!#+-:<[]~'],
  [spaceKind, '  \t\t'],
];

function kindsOfCharacters(): Uint8Array {
  const kinds = new Uint8Array(128);
  for (const [kind, pairs] of ranges) {
    for (let index = 0; index < pairs.length; index += 2) {
      const last = pairs.charCodeAt(index + 1);
      for (let code = pairs.charCodeAt(index); code <= last; code++) kinds[code] = (kinds[code] ?? 0) | kind;
    }
  }
  return kinds;
}

const kinds: Uint8Array = kindsOfCharacters();

function isOfKind(code: number, kind: number): boolean {
  return code < 128 && ((kinds[code] as number) & kind) !== 0; // inside the bounds
}

/** The index after the run of characters of a kind that starts at `from`. */
export function skip(text: string, from: number, to: number, kind: number): number {
  let index = from;
  while (index < to && isOfKind(text.charCodeAt(index), kind)) index++;
  return index;
}

/** The end of the text between `from` and `to` without its trailing blanks. */
export function trimmedEnd(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && isOfKind(text.charCodeAt(end - 1), spaceKind)) end--;
  return end;
}

/** The index of `wanted` at or after `from`, or the length of the text if there is none. */
export function find(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from);
  return index < 0 ? text.length : index;
}

/** A comma-separated list made of slices of a text. Slices that are adjacent in the text are copied as one. */
export class SliceList {
  readonly #text: string;
  #list = '';
  #from = -1;
  #to = -2;
  count = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Appends the slice from `from` to `to`. Slices have to be added in order. */
  add(from: number, to: number): void {
    this.count++;
    if (from !== this.#to + 1) {
      this.#list = this.toString();
      this.#from = from;
    }
    this.#to = to;
  }

  toString(): string {
    if (this.#from < 0) return '';
    const last = this.#text.slice(this.#from, this.#to);
    return this.#list === '' ? last : `${this.#list},${last}`;
  }
}
