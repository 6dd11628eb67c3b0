// Parsers of option values, from text and from code. They return undefined for an invalid value.

export type SecretsMatcher = 'equals' | 'equals-ignore-case' | 'contains' | 'contains-ignore-case' | 'regex' | 'none';
export const secretsMatchers: readonly SecretsMatcher[] = [
  'equals',
  'equals-ignore-case',
  'contains',
  'contains-ignore-case',
  'regex',
  'none',
];

export interface SecretsConfig {
  readonly matcher: SecretsMatcher;
  readonly keywords: readonly string[];
}

/** Logs a warning, for instance of an invalid part of a value whose rest is used. */
export type WarnFn = (message: string) => void;

export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

export function boolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  const word = value.trim().toLowerCase();
  if (word === 'true' || word === '1') return true;
  return word === 'false' || word === '0' ? false : undefined;
}

/** Whether spans are sent as OTLP: instead of by the agent's protocol, or with `both` in addition to it. */
export type OtlpMode = boolean | 'both';

export function otlpMode(value: unknown): OtlpMode | undefined {
  return boolean(value) ?? oneOf(['both'])(value);
}

/** For a variable that switches something off by its presence. */
export function disabledByPresence(): boolean {
  return false;
}

export function integer(min: number, max: number): (value: unknown) => number | undefined {
  return (value) => {
    const number = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
    return number >= min && number <= max ? number : undefined;
  };
}

export function oneOf<Word extends string>(words: readonly Word[]): (value: unknown) => Word | undefined {
  return (value) => {
    const word = typeof value === 'string' ? value.trim().toLowerCase() : '';
    return words.find((known) => known === word);
  };
}

export function strings(value: unknown): string[] | undefined {
  const list = typeof value === 'string' ? value.split(/[;,]/) : value;
  if (!Array.isArray(list)) return undefined;
  return list.flatMap((entry) => (typeof entry === 'string' && entry.trim() !== '' ? [entry.trim()] : []));
}

export function headerNames(value: unknown): string[] | undefined {
  return strings(value)?.map((name) => name.toLowerCase());
}

export function errorStatuses(value: unknown): number[] | undefined {
  const list = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(list)) return undefined;
  return list.map(Number).filter((status) => Number.isInteger(status) && status >= 400 && status <= 499);
}

export function hostName(value: unknown): string | undefined {
  const host = text(value);
  if (host === undefined || !/^[\w.:[\]-]{1,253}$/.test(host)) return undefined;
  return host;
}

export function stackTraceLength(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  return Math.min(500, Math.round(Math.abs(number)));
}

export function secrets(value: unknown, warn: WarnFn = () => {}): SecretsConfig | undefined {
  if (typeof value === 'string') return secretsFromText(value, warn);
  if (typeof value !== 'object' || value === null) return undefined;
  const { matcher, keywords, list } = value as { matcher?: unknown; keywords?: unknown; list?: unknown };
  const words = keywords ?? list;
  const known = matcherNamed(matcher);
  if (known === 'none') return { matcher: 'none', keywords: [] };
  if (known === undefined || !Array.isArray(words)) return undefined;
  return { matcher: known, keywords: words.filter((word) => typeof word === 'string') };
}

/** `matcher:word,word` or `none`, the form of the environment variable. */
function secretsFromText(value: string, warn: WarnFn): SecretsConfig | undefined {
  const [name = '', list = '', ...rest] = value.split(':');
  const matcher = matcherNamed(name);
  if (matcher === 'none') return { matcher, keywords: [] };
  const keywords = list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (keywords.length === 0) return undefined;
  // All Instana sensors read the variable in this way, and one variable may be meant for several of them.
  if (rest.length > 0)
    warn('what stands behind the second colon is not read; patterns with a colon can be set in code or by the agent');
  if (matcher === undefined) warn(`there is no matcher ${JSON.stringify(name)}, contains-ignore-case is taken`);
  return { matcher: matcher ?? 'contains-ignore-case', keywords };
}

function matcherNamed(name: unknown): SecretsMatcher | undefined {
  return oneOf(secretsMatchers)(name);
}

/** Groups of instrumentations that can be switched off together. */
export type InstrumentationGroup = 'logging' | 'messaging' | 'databases';
const groups: ReadonlySet<string> = new Set<InstrumentationGroup>(['logging', 'messaging', 'databases']);

/** Whether an entry of `tracing.disable` is, or exempts, a group. */
export function isGroup(entry: string): boolean {
  return groups.has(entry.startsWith('!') ? entry.slice(1) : entry);
}

/**
 * True for no tracing at all, false for no exception from it, else names in lower case, with `!` before those of exemptions: from a
 * list, from text, from the lists `instrumentations` and `groups`, and from the agent's object of names and flags.
 */
export function disabled(value: unknown): boolean | string[] | undefined {
  const all = boolean(value);
  if (all !== undefined) return all;
  if (typeof value === 'string' || Array.isArray(value)) return lowerCase(strings(value) ?? []);
  if (typeof value !== 'object' || value === null) return undefined;
  return lowerCase(
    Object.entries(value).flatMap(([name, member]) => {
      if (Array.isArray(member)) return name === 'instrumentations' || name === 'groups' ? (strings(member) ?? []) : [];
      if (member === true) return [name];
      return member === false ? [`!${name}`] : [];
    }),
  );
}

function lowerCase(names: readonly string[]): string[] {
  return names.map((name) => name.toLowerCase());
}
