// Redacts what looks like a secret in arguments of a process, and in URLs of package.json.
import { decode, isCredentialHeader, redacted, redactQuoted } from './redactor.js';

/** Words of secret names, whatever the secrets option says. */
const secretWord = /key|pass|secret/i;
/** The names of headers that hold credentials, and all behind them. */
const credentialHeader = /((?:authorization|cookie)\s{0,5}[:=])\s*(?=\S).*/is;
/** What is a flag, and no value, also behind a flag that is secret. */
const longFlag = /^--[a-z][\w.-]*(?:=|$)/i;
const maxArgumentLength = 16_384;

/**
 * A command line without what looks like a secret: `--password=x`, `--password x`, `https://user:password@host`, `?apiKey=x`,
 * percent-encoded or not, and without headers that hold credentials. Names are secret by the default words of the secrets option, and by `isSecret`. Very long arguments are cut.
 */
export function redactArguments(args: readonly string[], isSecret: (name: string) => boolean = () => false): string[] {
  const isSecretWord = (name: string): boolean =>
    secretWord.test(name) || isSecret(name.replace(/^-+/, '')) || isCredentialHeader(name.replace(/^-+/, ''));
  const isSecretName = (name: string): boolean =>
    isSecretWord(name) || (name.includes('%') && isSecretWord(decode(name)));
  return args.map((argument, index) => {
    const previous = args[index - 1];
    if (previous !== undefined && isFlag(previous) && isSecretName(previous) && !longFlag.test(argument))
      return redacted;
    return redactArgument(argument.slice(0, maxArgumentLength), isSecretName);
  });
}

function isFlag(argument: string): boolean {
  return /^--?[^=:\s/]+$/.test(argument);
}

function redactArgument(argument: string, isSecret: (name: string) => boolean): string {
  const whole = assignedName(argument);
  // The whole rest, since a password may hold any separator.
  if (whole !== null && isSecret(whole)) return `${whole}${argument[whole.length]}${redacted}`;
  const shown = redactPlain(argument, isSecret);
  if (!shown.includes('%')) return shown;
  const pieces = shown.split(/([?&;,\s])/);
  return pieces.map((piece) => (hasHiddenSecret(piece, isSecret) ? withoutValue(piece) : piece)).join('');
}

function redactPlain(text: string, isSecret: (name: string) => boolean): string {
  const shown = redactQuoted(redactPairs(redactCredentials(text), isSecret), isSecret);
  return shown.replace(credentialHeader, `$1 ${redacted}`);
}

/** Whether there is a secret in what a piece says when it is percent-decoded, once or twice. */
function hasHiddenSecret(piece: string, isSecret: (name: string) => boolean): boolean {
  let shown = piece;
  for (let round = 0; round < 2 && shown.includes('%'); round++) {
    shown = decode(shown);
    if (redactPlain(shown, isSecret) !== shown) return true;
  }
  return false;
}

function withoutValue(piece: string): string {
  return `${piece.slice(0, piece.indexOf('=') + 1)}${redacted}`;
}

/** The name in `name=value`, `--name:value` and `Name: value`; null when the argument is nothing of that. */
function assignedName(argument: string): string | null {
  const equals = /^[\w.:-]+(?==)/.exec(argument)?.[0];
  if (equals !== undefined) return equals;
  return /^(?:-[\w.-]+(?=:)|[\w.-]+(?=:\s))/.exec(argument)?.[0] ?? null;
}

/** No regular expression for the whole, since those that fit take quadratic time on hostile text. */
function redactCredentials(text: string): string {
  const [scheme = '', ...rest] = text.split('://');
  return [scheme, ...rest.map(withoutCredentials)].join('://');
}

/** For arguments, and for what package.json tells: `git+https://user:token@host/x.git`. */
export function redactUrls(text: string): string {
  return redactPairs(redactCredentials(text.slice(0, maxArgumentLength)), (name) => secretWord.test(name));
}

function withoutCredentials(afterScheme: string): string {
  const end = afterScheme.search(/[/?#\s]/);
  const authority = end < 0 ? afterScheme : afterScheme.slice(0, end);
  const at = authority.lastIndexOf('@');
  return at < 0 ? afterScheme : `${redacted}${afterScheme.slice(at)}`;
}

function redactPairs(text: string, isSecret: (name: string) => boolean): string {
  const pieces = text.split(/([?&;,\s])/);
  return pieces.map((piece) => withoutSecret(piece, isSecret)).join('');
}

function withoutSecret(pair: string, isSecret: (name: string) => boolean): string {
  const equals = pair.indexOf('=');
  return equals > 0 && isSecret(pair.slice(0, equals)) ? `${pair.slice(0, equals)}=${redacted}` : pair;
}
