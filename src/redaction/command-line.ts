// Redacts secrets in the arguments of a process, and in the URLs of package.json.
import { isCredentialHeader, redacted } from './secret-names.js';
import { redactQuoted } from './text-values.js';
import { matchesDecoded, percentDecode } from './url.js';

/** Words that make a name secret, independent of the secrets option. */
const secretWord = /key|pass|secret/i;
/** The name of a header that holds credentials, and everything after it. */
const credentialHeader = /((?:authorization|cookie)\s{0,5}[:=])\s*(?=\S).*/is;
/** A flag, and not a value, even after a secret flag. */
const longFlag = /^--[a-z][\w.-]*(?:=|$)/i;
const maxArgumentLength = 16_384;

/**
 * Redacts a command line: `--password=x`, `--password x`, `https://user:password@host`, `?apiKey=x`, percent-encoded or not, and
 * headers that hold credentials. A name is secret by the default keywords of the secrets option or by `isSecret`. Very long
 * arguments are cut.
 */
export function redactArguments(args: readonly string[], isSecret: (name: string) => boolean = () => false): string[] {
  const isSecretWord = (name: string): boolean =>
    secretWord.test(name) || isSecret(name.replace(/^-+/, '')) || isCredentialHeader(name.replace(/^-+/, ''));
  const isSecretName = (name: string): boolean =>
    isSecretWord(name) || (name.includes('%') && isSecretWord(percentDecode(name)));
  return args.map((argument, index) => {
    const previous = args[index - 1];
    if (previous !== undefined && isFlag(previous) && isSecretName(previous) && !longFlag.test(argument))
      return redacted;
    return redactArgument(argument.slice(0, maxArgumentLength), isSecretName);
  });
}

/** Redacts a URL from package.json, for example `git+https://user:token@host/x.git`. */
export function redactUrls(text: string): string {
  return redactPairs(redactAuthorities(text.slice(0, maxArgumentLength)), (name) => secretWord.test(name));
}

function isFlag(argument: string): boolean {
  return /^--?[^=:\s/]+$/.test(argument);
}

function redactArgument(argument: string, isSecret: (name: string) => boolean): string {
  const name = assignedName(argument);
  // Everything after the name, since a password may contain any separator.
  if (name !== null && isSecret(name)) return `${name}${argument[name.length]}${redacted}`;
  const plain = redactPlain(argument, isSecret);
  if (!plain.includes('%')) return plain;
  const revealsSecret = (decoded: string): boolean => redactPlain(decoded, isSecret) !== decoded;
  const parts = plain.split(/([?&;,\s])/);
  return parts.map((part) => (matchesDecoded(part, revealsSecret) ? redactValue(part) : part)).join('');
}

function redactPlain(text: string, isSecret: (name: string) => boolean): string {
  const result = redactQuoted(redactPairs(redactAuthorities(text), isSecret), isSecret);
  return result.replace(credentialHeader, `$1 ${redacted}`);
}

function redactValue(part: string): string {
  return `${part.slice(0, part.indexOf('=') + 1)}${redacted}`;
}

/** The name in `name=value`, `--name:value` and `Name: value`; null for any other argument. */
function assignedName(argument: string): string | null {
  const equals = /^[\w.:-]+(?==)/.exec(argument)?.[0];
  if (equals !== undefined) return equals;
  return /^(?:-[\w.-]+(?=:)|[\w.-]+(?=:\s))/.exec(argument)?.[0] ?? null;
}

/** Replaces user and password in every URL. A single regular expression would take quadratic time on hostile text. */
function redactAuthorities(text: string): string {
  const [scheme = '', ...rest] = text.split('://');
  return [scheme, ...rest.map(redactAuthority)].join('://');
}

function redactAuthority(afterScheme: string): string {
  const end = afterScheme.search(/[/?#\s]/);
  const authority = end < 0 ? afterScheme : afterScheme.slice(0, end);
  const at = authority.lastIndexOf('@');
  return at < 0 ? afterScheme : `${redacted}${afterScheme.slice(at)}`;
}

function redactPairs(text: string, isSecret: (name: string) => boolean): string {
  const parts = text.split(/([?&;,\s])/);
  return parts.map((part) => redactPair(part, isSecret)).join('');
}

function redactPair(pair: string, isSecret: (name: string) => boolean): string {
  const equals = pair.indexOf('=');
  return equals > 0 && isSecret(pair.slice(0, equals)) ? `${pair.slice(0, equals)}=${redacted}` : pair;
}
