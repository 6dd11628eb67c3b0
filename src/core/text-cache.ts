// What is made of a text, remembered for texts that come again and again.

/** Bounded in number and in the length of a text; when it is full it begins anew. */
export class TextCache {
  readonly #make: (text: string) => string;
  readonly #maximum: number;
  readonly #longest: number;
  readonly #known: Map<string, string> = new Map();

  constructor(make: (text: string) => string, maximum: number, longest: number) {
    this.#make = make;
    this.#maximum = maximum;
    this.#longest = longest;
  }

  of(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made = this.#make(text);
    if (text.length > this.#longest) return made;
    if (this.#known.size >= this.#maximum) this.#known.clear();
    this.#known.set(text, made);
    return made;
  }
}
