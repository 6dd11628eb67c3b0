// Blanks out what must not leave the process: secret query parameters and credentials in URLs.

/** How keywords are compared with the name of a parameter; agent-protocol "Matchers". */
export interface SecretsRule {
  readonly matcher: 'equals' | 'equals-ignore-case' | 'contains' | 'contains-ignore-case' | 'regex' | 'none';
  readonly keywords: readonly string[];
}

export const redacted = '<redacted>';
const parameters = /[^&;?#]+/g;
/** Of a path, with the separators that stand in front of a parameter, as they are and encoded. */
const pathSeparators = /([/;?&]|%3[bf]|%26)/i;
const segments = /[^/]+/g;
/** Of a text for people, what may be a parameter. */
const words = /[^\s&;?#,'"()<>]+/g;
const credentials = /\/\/[^/\s]+@/g;
const hiddenCredentials = `//${redacted}:${redacted}@`;
/** Credentials of a URL of which any part is percent-encoded. */
const encodedCredentials = /((?:\/|%2f){2})(?:(?!%2f|%3f|%23)[^/\s])+(@|%40)/gi;
/** Credentials that are not blanked out yet. */
const openCredentials = new RegExp(`//(?!(?:${redacted}:)?${redacted}@[^\\s/?#@]*(?:[\\s/?#]|$))[^/\\s?#]+@`);
/** What has to be in a text, as it is or encoded, for a secret to be hidden in it; or it is encoded twice. */
const mayHide = /[="'@]|%(?:3d|22|27|40|25)/i;
/** Where parameters may begin and end in a text that was encoded. */
const separators = /[&;?#\s,'"(){}/]+/;
/** Of a text: user and password in front of a host, without a scheme. The bounds keep the time linear. */
const bareCredentials =
  /(?<![^\s'"(,;=])(?!(?:mailto|sips?|acct|xmpp|npm|workspace):)[^\s/@:'"(<,;=]{0,100}:[^\s/@]{1,256}@(?=[\w[])/gi;
/** Tags that hold a host, maybe with a user in front of it. */
const hostTags = new Set(['http.host', 'peer.address', 'peer.hostname']);
/** Headers that hold credentials whatever the rule says. */
const credentialHeaders = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);
const mayNameCredentials = /authorization|cookie/i;
const unsafeInPath = /[^\x21-\x7e]|["<>`{}|\\^]/g;
/** When there is a rule of which nothing can be used. */
const fallback: SecretsRule = { matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] };
/** Longer names are not shown to patterns, which may take more than linear time, and count as secret. */
const maxPatternNameLength = 200;

/** Knows which parameter names are secret, for one set of matcher and keywords. */
export class Redactor {
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
    if (!this.#mayContainSecret(query) && !mayContainCredentials(query)) return query;
    return query.replace(parameters, (parameter) => this.#redactParameter(parameter));
  }

  /**
   * A path or URL without its query, in which the values of secret matrix parameters (`/a;password=x`), and of others that got into it,
   * and the credentials of URLs are replaced.
   */
  redactPath(path: string): string {
    // Parameters first: what stands in front of an @ may end in the middle of one.
    const shown = path.includes(';') || path.includes('=') ? this.#redactPathParameters(path) : path;
    const plain = shown.includes('@')
      ? shown.replace(credentials, hiddenCredentials).replace(/^[^/?#]*@/, `${redacted}@`)
      : shown;
    if (!plain.includes('%')) return plain;
    return withoutEncodedCredentials(plain).replace(segments, (segment) =>
      this.#hasHiddenSecret(segment) ? redacted : segment,
    );
  }

  #redactPathParameters(path: string): string {
    if (!this.#mayContainSecret(path)) return path;
    const pieces = path.split(pathSeparators);
    for (let index = 2; index < pieces.length; index += 2) {
      const piece = pieces[index] as string; // inside the bounds; what stands before it separates
      const isMatrix = pieces[index - 1] === ';' && piece !== '';
      if (isMatrix || piece.includes('=')) pieces[index] = this.#redactParameter(piece);
    }
    return pieces.join('');
  }

  /** A text for people with the credentials of URLs, and the values of what looks like secret parameters, replaced. */
  redactText(text: string): string {
    const hasParameters = text.includes('=');
    const hasColon = text.includes(':');
    const maySecret = (hasParameters || hasColon) && this.#mayContainSecret(text);
    let shown = text;
    if (text.includes('%') || (hasParameters && maySecret)) shown = shown.replace(words, this.#redactWord);
    if (maySecret || (hasColon && mayNameCredentials.test(text)))
      shown = redactUnquoted(redactQuoted(shown, this.#isSecretInText), this.#isSecretInText);
    if (shown.includes('//')) shown = shown.replace(credentials, hiddenCredentials);
    return hasColon && shown.includes('@') ? shown.replace(bareCredentials, `${redacted}:${redacted}@`) : shown;
  }

  /** A host as a request or the application names it. */
  redactHost(host: string): string {
    return host.includes('@') ? this.redactPath(host) : host;
  }

  /** Of the names of tags: those of the rule, and of headers with credentials. */
  isSecretTag(name: string): boolean {
    return this.isSecret(name) || isCredentialHeader(name);
  }

  /** The value of a captured header; `name` in lower case. */
  redactHeader(name: string, value: string): string {
    return credentialHeaders.has(name) || this.isSecret(name) ? redacted : this.redactText(value);
  }

  /** A text that the application put into a tag or log; one that is a URL or a query is taken apart as such. */
  redactTag(name: string, value: string): string {
    if (name === 'http.params' || name === 'params') return this.redactQuery(value) ?? value;
    if (hostTags.has(name)) return this.redactText(this.redactHost(value));
    if (!/^(?:[a-z][a-z\d+.-]{0,30}:)?\/\S*$/i.test(value)) return this.redactText(value);
    const path = endOfPath(value);
    return this.redactPath(value.slice(0, path)) + (this.redactQuery(value.slice(path)) ?? '');
  }

  #redactParameter(parameter: string): string {
    const equals = parameter.indexOf('=');
    const name = equals < 0 ? parameter : parameter.slice(0, equals);
    if (this.#isSecretEncoded(name))
      return `${this.#hasHiddenSecret(name) ? redacted : withoutCredentials(name)}=${redacted}`;
    if (!mayContainCredentials(parameter)) return parameter;
    // The value may be a URL, as it stands or percent-encoded.
    const shown = withoutCredentials(parameter);
    return shown.includes('%') ? this.#redactEncoded(shown) : shown;
  }

  /** A parameter of which the name or the value is blanked out when something is hidden in it. */
  #redactEncoded(parameter: string): string {
    const equals = parameter.indexOf('=');
    if (equals >= 0) {
      const name = parameter.slice(0, equals);
      const value = parameter.slice(equals + 1);
      return `${this.#hasHiddenSecret(name) ? redacted : name}=${this.#hasHiddenSecret(value) ? redacted : value}`;
    }
    return this.#hasHiddenSecret(parameter) ? redacted : parameter;
  }

  readonly #redactWord = (word: string): string => {
    if (/=./.test(word)) return this.#redactParameter(word);
    if (!word.includes('%')) return word;
    const shown = withoutEncodedCredentials(word);
    return this.#hasHiddenSecret(shown) ? redacted : shown;
  };

  /** Whether there is a secret in what a text says when it is percent-decoded, once or twice. */
  #hasHiddenSecret(text: string): boolean {
    if (!mayHide.test(text)) return false;
    let shown = text;
    for (let round = 0; round < 2 && shown.includes('%'); round++) {
      shown = decode(shown);
      if (this.#revealsSecret(shown)) return true;
    }
    return false;
  }

  #revealsSecret(text: string): boolean {
    if (text.includes('@') && openCredentials.test(text)) return true;
    if (!this.#mayContainSecret(text)) return false;
    const isQuoted = text.includes('"') || text.includes("'");
    if (isQuoted && redactUnquoted(redactQuoted(text, this.#isSecretEncoded), this.#isSecretEncoded) !== text)
      return true;
    return text.includes('=') && text.split(separators).some((piece) => this.#isOpenParameter(piece));
  }

  #isOpenParameter(parameter: string): boolean {
    const equals = parameter.indexOf('=');
    if (equals < 1) return false;
    const value = parameter.slice(equals + 1);
    // What ends in equals signs only is Base64.
    return value !== redacted && !/^=*$/.test(value) && this.#isSecretEncoded(parameter.slice(0, equals));
  }

  readonly #isSecretInText = (name: string): boolean => this.#isSecretEncoded(name) || isCredentialHeader(name);

  readonly #isSecretEncoded = (name: string): boolean => {
    if (this.isSecret(name)) return true;
    let shown = name;
    for (let round = 0; round < 2 && shown.includes('%'); round++) {
      shown = decode(shown);
      // Encoded separators may stand in front of the name proper.
      if (this.isSecret(shown) || this.isSecret(behindSeparators(shown))) return true;
    }
    return false;
  };
}

/** Whether it is the name of a header that holds credentials whatever the rule says. */
export function isCredentialHeader(name: string): boolean {
  return name.length <= 19 && credentialHeaders.has(name.toLowerCase());
}

function behindSeparators(name: string): string {
  return name.slice(Math.max(...['&', ';', '?', '#'].map((separator) => name.lastIndexOf(separator))) + 1);
}

function withoutCredentials(text: string): string {
  const plain = text.includes('@') ? text.replace(credentials, hiddenCredentials) : text;
  return plain.includes('%') ? withoutEncodedCredentials(plain) : plain;
}

/** What is encoded may hold credentials, too. */
function mayContainCredentials(text: string): boolean {
  return text.includes('@') || text.includes('%');
}

function withoutEncodedCredentials(text: string): string {
  if (!text.includes('@') && !text.includes('%40')) return text;
  return text.replace(encodedCredentials, (whole: string, slashes: string, at: string) =>
    slashes === '//' && at === '@' ? whole : `${slashes}${redacted}${at}`,
  );
}

/** A text with quoted values replaced where the name in front of them is secret: `"password": "x"`, `password='x'`. */
export function redactQuoted(text: string, isSecret: (name: string) => boolean): string {
  // The quotes may be escaped, as in JSON inside a text.
  const names = /(?<![\w$.%-])([\w$.%-]{1,200})\\{0,3}["']?\s{0,5}[:=]\s{0,5}\\{0,3}(["'])/g;
  let shown = '';
  let from = 0;
  for (let match = names.exec(text); match !== null; match = names.exec(text)) {
    const [opening, name = '', quote] = match;
    if (!isSecret(name)) continue;
    const value = quote === '"' ? /(?:[^"\\]|\\.)*/sy : /(?:[^'\\]|\\.)*/sy;
    value.lastIndex = match.index + opening.length;
    shown += text.slice(from, value.lastIndex) + redacted;
    value.exec(text);
    from = value.lastIndex;
    names.lastIndex = from;
  }
  return shown + text.slice(from);
}

/**
 * A text with values replaced that stand without quotes behind a secret name and a colon: `password: x`, `"pin":1`, all of the line
 * behind `Authorization:`. Names of errors are none, and behind a mere `key:` only the last word of a line is taken for a value.
 */
function redactUnquoted(text: string, isSecret: (name: string) => boolean): string {
  const names = /(?<![\w$.%-])([\w$.%-]{1,200})(?:\\{0,3}["']\s{0,5}:\s{0,5}|:\s{1,5})(?=[^\s"'{[\\])/g;
  let shown = '';
  let from = 0;
  for (let match = names.exec(text); match !== null; match = names.exec(text)) {
    const [opening, name = ''] = match;
    if (/(?:Error|Exception)$/.test(name) || !isSecret(name)) continue;
    const start = match.index + opening.length;
    const end = isCredentialHeader(name) ? endOf(/[^\r\n"'}]*/y, text, start) : endOfValue(text, start);
    names.lastIndex = end;
    if (name === 'key' && !/^[ ,;})\]]{0,20}(?:[\r\n]|$)/.test(text.slice(end, end + 21))) continue;
    shown += text.slice(from, start) + redacted;
    from = end;
  }
  return shown + text.slice(from);
}

/** Where a word ends; punctuation at its end is no part of it. */
function endOfValue(text: string, start: number): number {
  const end = endOf(/\S+/y, text, start);
  let last = end;
  while (last > start + 1 && ',;})]'.includes(text[last - 1] as string)) last--; // inside the bounds
  return last;
}

function endOf(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  pattern.exec(text);
  return pattern.lastIndex;
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
      if (words.length === 0) return () => false;
      const patterns = words.flatMap((source) => anchored(source, warn));
      if (patterns.length === 0) {
        warn('no secrets pattern can be used; names that contain key, pass or secret are taken as secret');
        return compile(fallback, warn);
      }
      return (name) => name.length > maxPatternNameLength || patterns.some((pattern) => pattern.test(name));
    }
    case 'none':
      return () => false;
  }
}

/** Java semantics: the whole name has to match, alternatives included; flags may stand in front. */
function anchored(source: string, warn: (message: string) => void): RegExp[] {
  try {
    const [flags = '', letters = ''] = /^\(\?([imsu]+)\)/.exec(source) ?? [];
    return [new RegExp(`^(?:${source.slice(flags.length)})$`, [...new Set(letters)].join(''))];
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

/** What is encoded wrongly stays as it is, and hides nothing that is encoded well. */
export function decode(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('latin1');
    }
  });
}

/**
 * Path or absolute URL without query, fragment and credentials; anything else comes back as it is. Credentials in what is no proper URL
 * are left to `redactPath`.
 */
export function sanitizeUrl(url: string): string {
  if (url.startsWith('/')) return encodePath(url.slice(0, endOfPath(url)));
  // `host:port`, the target of CONNECT, has no scheme.
  if (/^[^:/?#@\s]+:\d+$/.test(url)) return url;
  if (!/^[a-z][a-z\d+.-]*:/i.test(url)) return url;
  try {
    const { protocol, username, password, host, pathname } = new URL(url);
    const user = username !== '' || password !== '' ? `${redacted}:${redacted}@` : '';
    return `${protocol}//${user}${host}${pathname}`;
  } catch {
    return url.slice(0, endOfPath(url));
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
