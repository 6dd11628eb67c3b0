// Blanks out what must not leave the process: secret query parameters and credentials in URLs.

/** How keywords are compared with the name of a parameter; agent-protocol "Matchers". */
export interface SecretsRule {
  readonly matcher: 'equals' | 'equals-ignore-case' | 'contains' | 'contains-ignore-case' | 'regex' | 'none';
  readonly keywords: readonly string[];
}

const redacted = '<redacted>';
const parameters = /[^&;?]+/g;
// Begins only where a word begins, so that a long word is looked at once.
const assignments = /(?<![^\s&;?,'"()<>=])[^\s&;?,'"()<>=]+=[^\s&;,'"()<>]+/g;
/** Headers that hold credentials whatever the rule says. */
const credentialHeaders = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);
const unsafeInPath = /[^\x21-\x7e]|["<>`{}|\\^]/g;

/** Knows which parameter names are secret, for one set of matcher and keywords. */
export class Secrets {
  /** True for a name that is secret as it stands. */
  readonly isSecret: (name: string) => boolean;
  readonly #mayContainSecret: (query: string) => boolean;

  /** Patterns that are broken are skipped and told to `warn`. */
  constructor(rule: SecretsRule, warn: (message: string) => void = () => {}) {
    this.isSecret = compile(rule, warn);
    this.#mayContainSecret = prefilter(rule);
  }

  /**
   * The query string (without `?`) with the values of secret parameters replaced; undefined for an empty one.
   * Names are compared as they stand and percent-decoded; `&`, `;` and further `?` separate parameters.
   */
  redactQuery(query: string): string | undefined {
    if (query === '') return undefined;
    if (!this.#mayContainSecret(query)) return query;
    return query.replace(parameters, (parameter) => this.#redactParameter(parameter));
  }

  /** A path with the values of secret matrix parameters (`/a;password=x`) replaced. */
  redactPath(path: string): string {
    if (!path.includes(';') || !this.#mayContainSecret(path)) return path;
    return path.replace(/;[^;/]*/g, (parameter) => `;${this.#redactParameter(parameter.slice(1))}`);
  }

  /** A text for people with the credentials of URLs, and the values of what looks like secret parameters, replaced. */
  redactText(text: string): string {
    const plain = text.includes('//') ? text.replace(/\/\/[^/\s]{1,1000}@/g, `//${redacted}:${redacted}@`) : text;
    if (!plain.includes('=') || !this.#mayContainSecret(plain)) return plain;
    return plain.replace(assignments, (parameter) => this.#redactParameter(parameter));
  }

  /** The value of a captured header; `name` in lower case. */
  redactHeader(name: string, value: string): string {
    return credentialHeaders.has(name) || this.isSecret(name) ? redacted : this.redactText(value);
  }

  #redactParameter(parameter: string): string {
    const equals = parameter.indexOf('=');
    const name = equals < 0 ? parameter : parameter.slice(0, equals);
    if (this.isSecret(name) || (name.includes('%') && this.isSecret(decode(name)))) return `${name}=${redacted}`;
    return parameter;
  }
}

function compile(rule: SecretsRule, warn: (message: string) => void): (name: string) => boolean {
  const words = rule.keywords;
  const lowered = words.map((word) => word.toLowerCase());
  switch (rule.matcher) {
    case 'equals':
      return (name) => words.includes(name);
    case 'equals-ignore-case':
      return (name) => lowered.includes(name.toLowerCase());
    case 'contains':
      return (name) => words.some((word) => name.includes(word));
    case 'contains-ignore-case':
      return (name) => {
        const lower = name.toLowerCase();
        return lowered.some((word) => lower.includes(word));
      };
    case 'regex': {
      const patterns = words.flatMap((source) => anchored(source, warn));
      return (name) => patterns.some((pattern) => pattern.test(name));
    }
    case 'none':
      return () => false;
  }
}

/** Java semantics: the whole name has to match, alternatives included. */
function anchored(source: string, warn: (message: string) => void): RegExp[] {
  try {
    return [new RegExp(`^(?:${source})$`)];
  } catch {
    warn(`the secrets pattern ${JSON.stringify(source)} is no regular expression; it is ignored`);
    return [];
  }
}

/** Tells cheaply that a query has no secret, which most have not, so that it need not be taken apart. */
function prefilter(rule: SecretsRule): (query: string) => boolean {
  if (rule.matcher === 'none') return () => false;
  if (rule.matcher === 'regex') return () => true;
  if (rule.keywords.length === 0) return () => false;
  const source = rule.keywords.map((word) => word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|');
  const pattern = new RegExp(source, rule.matcher.endsWith('ignore-case') ? 'i' : '');
  return (query) => query.includes('%') || pattern.test(query);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Path or absolute URL without query, fragment and credentials; anything else comes back as it is. */
export function sanitizeUrl(url: string): string {
  if (url.startsWith('/')) {
    const path = encodePath(url.slice(0, endOfPath(url)));
    return path.startsWith('//') ? path.replace(/^\/\/[^/]*@/, `//${redacted}:${redacted}@`) : path;
  }
  // `host:port`, the target of CONNECT, has no scheme.
  if (/^[^:/?#@\s]+:\d+$/.test(url)) return url;
  if (!/^[a-z][a-z\d+.-]*:/i.test(url)) return url;
  try {
    const { protocol, username, password, host, pathname } = new URL(url);
    const credentials = username !== '' || password !== '' ? `${redacted}:${redacted}@` : '';
    return `${protocol}//${credentials}${host}${pathname}`;
  } catch {
    return url.slice(0, endOfPath(url)).replace(/\/\/[^/]*@/, `//${redacted}:${redacted}@`);
  }
}

/** What stands between the first `?` and the fragment; empty when there is no query. */
export function queryOf(url: string): string {
  const start = url.indexOf('?');
  if (start < 0) return '';
  const fragment = url.indexOf('#');
  if (fragment >= 0 && fragment < start) return '';
  return fragment < 0 ? url.slice(start + 1) : url.slice(start + 1, fragment);
}

function endOfPath(url: string): number {
  const end = url.search(/[?#]/);
  return end < 0 ? url.length : end;
}

function encodePath(path: string): string {
  return path.replace(unsafeInPath, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x80) return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
    // A lone surrogate has no UTF-8 form, and Node.js hands raw bytes of a request line over as Latin-1.
    return code >= 0xd800 && code <= 0xdfff ? '%EF%BF%BD' : encodeURIComponent(character);
  });
}
