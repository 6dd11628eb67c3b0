// Redacts the secrets of one rule in what leaves the process: queries, paths, hosts, headers, tags and text.
import {
  compilePrefilter,
  compileSecretNames,
  isCredentialHeader,
  redacted,
  type SecretsRule,
} from './secret-names.js';
import { redactQuoted, redactUnquoted } from './text-values.js';
import {
  endOfPath,
  hasOpenCredentials,
  matchesDecoded,
  mayContainCredentials,
  redactBareCredentials,
  redactCredentials,
  redactEncodedCredentials,
  redactPlainCredentials,
} from './url.js';

const parameters = /[^&;?#]+/g;
/** Splits a path at the separators before its parameters, plain and encoded, and keeps them. */
const pathSeparators = /([/;?&]|%3[bf]|%26)/i;
const segments = /[^/]+/g;
/** Parts of a free text that may be parameters. */
const words = /[^\s&;?#,'"()<>]+/g;
/** Any of these, plain or encoded, is part of every encoded secret; `%25` is the `%` of a text that was encoded twice. */
const mayEncodeSecret = /[="'@]|%(?:3d|22|27|40|25)/i;
/** Separators of parameters in a text after decoding. */
const separators = /[&;?#\s,'"(){}/]+/;
/** Tags whose value is a host, possibly with a user before it. */
const hostTags = new Set(['http.host', 'peer.address', 'peer.hostname']);
const mayNameCredentials = /authorization|cookie/i;

/** Redacts by one set of matcher and keywords. */
export class Redactor {
  /** True for a secret name. Does not percent-decode. */
  readonly isSecret: (name: string) => boolean;
  readonly #mayContainSecret: (text: string) => boolean;

  /** Invalid patterns are skipped and reported to `warn`. */
  constructor(rule: SecretsRule, warn: (message: string) => void = () => {}) {
    this.isSecret = compileSecretNames(rule, warn);
    this.#mayContainSecret = compilePrefilter(rule);
  }

  /**
   * The query string (without `?`) with the values of secret parameters replaced; undefined for an empty one.
   * Names are compared plain and percent-decoded. `&`, `;` and further `?` separate parameters.
   */
  redactQuery(query: string): string | undefined {
    if (query === '') return undefined;
    if (!this.#mayContainSecret(query) && !mayContainCredentials(query)) return query;
    return query.replace(parameters, (parameter) => this.#redactParameter(parameter));
  }

  /**
   * A path or URL without its query. Replaces the values of secret matrix parameters (`/a;password=x`), of query parameters
   * inside the path, and the credentials of URLs.
   */
  redactPath(path: string): string {
    // Parameters first: the text before an @ may end inside a parameter.
    const withoutValues = path.includes(';') || path.includes('=') ? this.#redactPathParameters(path) : path;
    const plain = withoutValues.includes('@')
      ? redactPlainCredentials(withoutValues).replace(/^[^/?#]*@/, `${redacted}@`)
      : withoutValues;
    if (!plain.includes('%')) return plain;
    return redactEncodedCredentials(plain).replace(segments, (segment) =>
      this.#hasEncodedSecret(segment) ? redacted : segment,
    );
  }

  #redactPathParameters(path: string): string {
    if (!this.#mayContainSecret(path)) return path;
    const parts = path.split(pathSeparators);
    for (let index = 2; index < parts.length; index += 2) {
      const part = parts[index] as string; // inside the bounds; the part before it is a separator
      const isMatrix = parts[index - 1] === ';' && part !== '';
      if (isMatrix || part.includes('=')) parts[index] = this.#redactParameter(part);
    }
    return parts.join('');
  }

  /** A free text. Replaces the credentials of URLs and the values of parameters that look secret. */
  redactText(text: string): string {
    const hasParameters = text.includes('=');
    const hasColon = text.includes(':');
    const maySecret = (hasParameters || hasColon) && this.#mayContainSecret(text);
    let result = text;
    if (text.includes('%') || (hasParameters && maySecret)) result = result.replace(words, this.#redactWord);
    if (maySecret || (hasColon && mayNameCredentials.test(text)))
      result = redactUnquoted(redactQuoted(result, this.#isSecretInText), this.#isSecretInText);
    if (result.includes('//')) result = redactPlainCredentials(result);
    return hasColon && result.includes('@') ? redactBareCredentials(result) : result;
  }

  /** A host, from a request or from the application. Replaces a user and password before it. */
  redactHost(host: string): string {
    return host.includes('@') ? this.redactPath(host) : host;
  }

  /** Whether the value of this tag is secret: by the rule, or as a header that holds credentials. */
  isSecretTag(name: string): boolean {
    return this.isSecret(name) || isCredentialHeader(name);
  }

  /** The value of a captured header. `name` is in lower case. */
  redactHeader(name: string, value: string): string {
    return this.isSecretTag(name) ? redacted : this.redactText(value);
  }

  /** The text of a tag or log. URLs and queries are redacted as such, everything else as free text. */
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
      return `${this.#hasEncodedSecret(name) ? redacted : redactCredentials(name)}=${redacted}`;
    if (!mayContainCredentials(parameter)) return parameter;
    // The value may be a URL, plain or percent-encoded.
    const withoutCredentials = redactCredentials(parameter);
    return withoutCredentials.includes('%') ? this.#redactEncoded(withoutCredentials) : withoutCredentials;
  }

  /** Replaces the name, the value, or both, if a secret is encoded in them. */
  #redactEncoded(parameter: string): string {
    const equals = parameter.indexOf('=');
    if (equals >= 0) {
      const name = parameter.slice(0, equals);
      const value = parameter.slice(equals + 1);
      return `${this.#hasEncodedSecret(name) ? redacted : name}=${this.#hasEncodedSecret(value) ? redacted : value}`;
    }
    return this.#hasEncodedSecret(parameter) ? redacted : parameter;
  }

  readonly #redactWord = (word: string): string => {
    if (/=./.test(word)) return this.#redactParameter(word);
    if (!word.includes('%')) return word;
    const withoutCredentials = redactEncodedCredentials(word);
    return this.#hasEncodedSecret(withoutCredentials) ? redacted : withoutCredentials;
  };

  /** Whether percent-decoding a text, once or twice, reveals a secret. */
  #hasEncodedSecret(text: string): boolean {
    return mayEncodeSecret.test(text) && matchesDecoded(text, this.#revealsSecret);
  }

  readonly #revealsSecret = (text: string): boolean => {
    if (hasOpenCredentials(text)) return true;
    if (!this.#mayContainSecret(text)) return false;
    const isQuoted = text.includes('"') || text.includes("'");
    if (isQuoted && redactUnquoted(redactQuoted(text, this.#isSecretEncoded), this.#isSecretEncoded) !== text)
      return true;
    return text.includes('=') && text.split(separators).some((part) => this.#isOpenParameter(part));
  };

  #isOpenParameter(parameter: string): boolean {
    const equals = parameter.indexOf('=');
    if (equals < 1) return false;
    const value = parameter.slice(equals + 1);
    // A text that ends in equals signs only is Base64.
    return value !== redacted && !/^=*$/.test(value) && this.#isSecretEncoded(parameter.slice(0, equals));
  }

  readonly #isSecretInText = (name: string): boolean => this.#isSecretEncoded(name) || isCredentialHeader(name);

  readonly #isSecretEncoded = (name: string): boolean =>
    this.isSecret(name) || matchesDecoded(name, this.#isSecretDecoded);

  /** Encoded separators may precede the name proper. */
  readonly #isSecretDecoded = (name: string): boolean => this.isSecret(name) || this.isSecret(afterSeparators(name));
}

function afterSeparators(name: string): string {
  return name.slice(Math.max(...['&', ';', '?', '#'].map((separator) => name.lastIndexOf(separator))) + 1);
}
