// The presets of `INSTANA_BOOTSTRAP`.

/** A preset that includes instrumentations. */
export type Preset = 'http' | 'express' | 'koa';

/** The presets that include HTTP: all of them, because a framework only adds to the spans of HTTP. */
export const httpPresets: readonly Preset[] = ['http', 'express', 'koa'];

const presetContents: Readonly<Record<string, readonly Preset[]>> = {
  all: httpPresets,
  http: ['http'],
  express: ['http', 'express'],
  koa: ['http', 'koa'],
  runtime: [],
};

/** Presets of the Python sensor, which have no meaning for a Node.js process. */
const pythonPresets: ReadonlySet<string> = new Set(['django', 'flask', 'django19']);

export interface PresetChoice {
  /** The valid words, for `status()`. */
  readonly presets: readonly string[];
  readonly instrumentations: ReadonlySet<Preset>;
}

/** Reads `INSTANA_BOOTSTRAP`, or `AUTOWRAPT_BOOTSTRAP` when that is unset; warns of each unknown word once. */
export function readPresets(env: NodeJS.ProcessEnv, warn: (message: string) => void): PresetChoice {
  const [variable, text] =
    (env['INSTANA_BOOTSTRAP'] ?? '') !== ''
      ? ['INSTANA_BOOTSTRAP', env['INSTANA_BOOTSTRAP'] ?? '']
      : ['AUTOWRAPT_BOOTSTRAP', env['AUTOWRAPT_BOOTSTRAP'] ?? ''];
  const asked = text
    .split(',')
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== '' && !pythonPresets.has(word));
  const known = asked.filter((word) => Object.hasOwn(presetContents, word));
  for (const word of new Set(asked)) if (!known.includes(word)) warn(unknownPreset(variable, word));
  const presets = asked.length === 0 ? ['all'] : [...new Set(known)];
  return { presets, instrumentations: new Set(presets.flatMap((word) => presetContents[word] ?? [])) };
}

function unknownPreset(variable: string, word: string): string {
  const valid = Object.keys(presetContents);
  const nearest = valid
    .map((known) => ({ known, distance: editDistance(word, known) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return `${variable} has the unknown word ${JSON.stringify(word)}, which is ignored; did you mean ${nearest?.known}? Valid words: ${valid.join(', ')}`;
}

/** Levenshtein distance, of short words. */
function editDistance(a: string, b: string): number {
  const from = a.slice(0, 50);
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
