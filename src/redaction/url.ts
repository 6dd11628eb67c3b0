// URLs as they are recorded: their parts, percent-decoding, and the redaction of credentials.
import { redacted } from './secret-names.js';

const credentials = /\/\/[^/\s]+@/g;
const redactedUserAndPassword = `${redacted}:${redacted}@`;
const redactedCredentials = `//${redactedUserAndPassword}`;
/** Credentials of a URL of which any part is percent-encoded. */
const encodedCredentials = /((?:\/|%2f){2})(?:(?!%2f|%3f|%23)[^/\s])+(@|%40)/gi;
/** Credentials that are not redacted yet. */
const openCredentials = new RegExp(`//(?!(?:${redacted}:)?${redacted}@[^\\s/?#@]*(?:[\\s/?#]|$))[^/\\s?#]+@`);
/** User and password before a host in a text, without a scheme. The bounds keep the time linear. */
const bareCredentials =
  /(?<![^\s'"(,;=])(?!(?:mailto|sips?|acct|xmpp|npm|workspace):)[^\s/@:'"(<,;=]{0,100}:[^\s/@]{1,256}@(?=[\w[])/gi;
const unsafeInPath = /[^\x21-\x7e]|["<>`{}|\\^]/g;

/**
 * Returns a path or an absolute URL without its query, its fragment and its credentials. Any other text is returned as it is.
 * Credentials in an invalid URL are left to `Redactor.redactPath`.
 */
export function sanitizeUrl(url: string): string {
  if (url.startsWith('/')) return encodePath(url.slice(0, endOfPath(url)));
  // `host:port`, the target of CONNECT, has no scheme.
  if (/^[^:/?#@\s]+:\d+$/.test(url)) return url;
  if (!/^[a-z][a-z\d+.-]*:/i.test(url)) return url;
  try {
    const { protocol, username, password, host, pathname } = new URL(url);
    const user = username !== '' || password !== '' ? redactedUserAndPassword : '';
    return `${protocol}//${user}${host}${pathname}`;
  } catch {
    return url.slice(0, endOfPath(url));
  }
}

/** The text between the first `?` and the fragment; empty if there is no query. */
export function queryOf(url: string): string {
  const start = url.indexOf('?');
  if (start < 0) return '';
  const fragment = url.indexOf('#');
  if (fragment >= 0 && fragment < start) return '';
  return fragment < 0 ? url.slice(start + 1) : url.slice(start + 1, fragment);
}

/** The index of the query or the fragment, whichever is first; the length of the URL if it has neither. */
export function endOfPath(url: string): number {
  const end = url.search(/[?#]/);
  return end < 0 ? url.length : end;
}

/** Decodes `%` sequences. Invalid sequences stay as they are, and bytes that are not UTF-8 are read as Latin-1. */
export function percentDecode(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('latin1');
    }
  });
}

/** Whether `matches` is true of a text after one or two rounds of percent-decoding. A text without `%` never matches. */
export function matchesDecoded(text: string, matches: (decoded: string) => boolean): boolean {
  let decoded = text;
  for (let round = 0; round < 2 && decoded.includes('%'); round++) {
    decoded = percentDecode(decoded);
    if (matches(decoded)) return true;
  }
  return false;
}

/** Whether a text may hold credentials, plain or percent-encoded. */
export function mayContainCredentials(text: string): boolean {
  return text.includes('@') || text.includes('%');
}

/** Whether a text has credentials of a URL, not percent-encoded, that are not redacted yet. */
export function hasOpenCredentials(text: string): boolean {
  return text.includes('@') && openCredentials.test(text);
}

/** Replaces the credentials of URLs in a text, plain and percent-encoded. */
export function redactCredentials(text: string): string {
  const plain = text.includes('@') ? redactPlainCredentials(text) : text;
  return plain.includes('%') ? redactEncodedCredentials(plain) : plain;
}

/** Replaces the credentials of URLs in a text that are not percent-encoded. */
export function redactPlainCredentials(text: string): string {
  return text.replace(credentials, redactedCredentials);
}

/** Replaces the credentials of URLs in a text of which any part is percent-encoded. */
export function redactEncodedCredentials(text: string): string {
  if (!text.includes('@') && !text.includes('%40')) return text;
  return text.replace(encodedCredentials, (match: string, slashes: string, at: string) =>
    slashes === '//' && at === '@' ? match : `${slashes}${redacted}${at}`,
  );
}

/** Replaces `user:password@` before a host in a text, where there is no scheme. */
export function redactBareCredentials(text: string): string {
  return text.replace(bareCredentials, redactedUserAndPassword);
}

function encodePath(path: string): string {
  return path.replace(unsafeInPath, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x80) return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
    // A lone surrogate has no UTF-8 form. Node.js decodes the bytes of a request line as Latin-1.
    return code >= 0xd800 && code <= 0xdfff ? '%EF%BF%BD' : encodeURIComponent(character);
  });
}
