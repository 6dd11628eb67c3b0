// Redacts values inside free text where a secret name precedes them: `password: x`, `"pin":1`, `password='x'`.
import { isCredentialHeader, redacted } from './secret-names.js';

/** Replaces quoted values after a secret name: `"password": "x"`, `password='x'`. */
export function redactQuoted(text: string, isSecret: (name: string) => boolean): string {
  // The quotes may be escaped, as in JSON inside a text.
  const names = /(?<![\w$.%-])([\w$.%-]{1,200})\\{0,3}["']?\s{0,5}[:=]\s{0,5}\\{0,3}(["'])/g;
  let result = '';
  let from = 0;
  for (let match = names.exec(text); match !== null; match = names.exec(text)) {
    const [opening, name = '', quote] = match;
    if (!isSecret(name)) continue;
    const value = quote === '"' ? /(?:[^"\\]|\\.)*/sy : /(?:[^'\\]|\\.)*/sy;
    value.lastIndex = match.index + opening.length;
    result += text.slice(from, value.lastIndex) + redacted;
    value.exec(text);
    from = value.lastIndex;
    names.lastIndex = from;
  }
  return result + text.slice(from);
}

/**
 * Replaces unquoted values after a secret name and a colon: `password: x`, `"pin":1`, and the rest of the line after
 * `Authorization:`. Names of errors are not secret. After a plain `key:` only the last word of a line counts as a value.
 */
export function redactUnquoted(text: string, isSecret: (name: string) => boolean): string {
  const names = /(?<![\w$.%-])([\w$.%-]{1,200})(?:\\{0,3}["']\s{0,5}:\s{0,5}|:\s{1,5})(?=[^\s"'{[\\])/g;
  let result = '';
  let from = 0;
  for (let match = names.exec(text); match !== null; match = names.exec(text)) {
    const [opening, name = ''] = match;
    if (/(?:Error|Exception)$/.test(name) || !isSecret(name)) continue;
    const start = match.index + opening.length;
    const end = isCredentialHeader(name) ? endOfMatch(/[^\r\n"'}]*/y, text, start) : endOfWord(text, start);
    names.lastIndex = end;
    if (name === 'key' && !/^[ ,;})\]]{0,20}(?:[\r\n]|$)/.test(text.slice(end, end + 21))) continue;
    result += text.slice(from, start) + redacted;
    from = end;
  }
  return result + text.slice(from);
}

/** The end of a word, without the punctuation after it. */
function endOfWord(text: string, start: number): number {
  const end = endOfMatch(/\S+/y, text, start);
  let last = end;
  while (last > start + 1 && ',;})]'.includes(text[last - 1] as string)) last--; // inside the bounds
  return last;
}

function endOfMatch(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  pattern.exec(text);
  return pattern.lastIndex;
}
