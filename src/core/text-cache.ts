// A cache of values made from strings that recur.

/** Limited in the number and length of its strings; when it is full it is emptied. */
export class TextCache {
  readonly #make: (text: string) => string;
  readonly #maxEntries: number;
  readonly #maxLength: number;
  readonly #known: Map<string, string> = new Map();

  constructor(make: (text: string) => string, maxEntries: number, maxLength: number) {
    this.#make = make;
    this.#maxEntries = maxEntries;
    this.#maxLength = maxLength;
  }

  get(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made = this.#make(text);
    if (text.length > this.#maxLength) return made;
    if (this.#known.size >= this.#maxEntries) this.#known.clear();
    this.#known.set(text, made);
    return made;
  }
}
