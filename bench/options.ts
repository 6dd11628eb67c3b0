// The command line of the benchmarks.

const flags = ['peers', 'short', 'json', 'write', 'check'] as const;
const counts = ['blocks', 'requests', 'generations', 'warm-up', 'runs', 'seconds', 'rate'] as const;
const lists = ['cases', 'variants'] as const;

export type Flag = (typeof flags)[number];
export type Count = (typeof counts)[number];

/** The parsed command line. */
export class Options {
  /** The named benchmarks; empty for all. */
  readonly names: readonly string[];
  readonly #flags: ReadonlySet<string>;
  readonly #values: ReadonlyMap<string, string>;

  /** Throws on an unknown option, with a message for people. */
  constructor(argv: readonly string[]) {
    const names: string[] = [];
    const found: Set<string> = new Set();
    const values: Map<string, string> = new Map();
    for (let index = 0; index < argv.length; index++) {
      const argument = argv[index] ?? '';
      const name = argument.slice(2);
      if (!argument.startsWith('--')) names.push(argument);
      else if (isIn(flags, name)) found.add(name);
      else if (isIn(counts, name) || isIn(lists, name)) values.set(name, argv[++index] ?? '');
      else throw new Error(`no such option: ${argument}`);
    }
    for (const name of counts) {
      const value = values.get(name);
      if (value !== undefined && !/^[1-9]\d{0,8}$/.test(value)) throw new Error(`--${name} wants a whole number`);
    }
    this.names = names;
    this.#flags = found;
    this.#values = values;
  }

  is(flag: Flag): boolean {
    return this.#flags.has(flag);
  }

  /** The given number, else the default of the short form (`--short` and `--check`) or of the full form. */
  count(name: Count, full: number, short: number): number {
    const value = this.#values.get(name);
    if (value !== undefined) return Number(value);
    return this.is('short') || this.is('check') ? short : full;
  }

  /** The given words, or null. */
  list(name: (typeof lists)[number]): readonly string[] | null {
    return this.#values.get(name)?.split(',') ?? null;
  }
}

function isIn(words: readonly string[], word: string): boolean {
  return words.includes(word);
}
