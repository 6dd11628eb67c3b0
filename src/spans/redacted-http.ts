// Redacts URL, query and headers of a request, for every span format.
import type { TextCache } from '../core/text-cache.js';
import type { Redactor } from '../redaction/redactor.js';
import { queryOf, sanitizeUrl } from '../redaction/url.js';
import type { HttpAttributes } from './span.js';

/** Servers accept request lines of up to 16 KiB; the URL of an outgoing request has no limit. */
const maxUrlLength = 16_384;

/** A path with nothing to quote, decode or redact. Two slashes at its start would begin a host. */
const plainPath = /^\/(?!\/)[\w\-./~!$'()*+,:]*$/;

/** Whether a URL is a plain path. Most are, and cost no more than this test. */
export function isPlainPath(url: string): boolean {
  return url.length <= maxUrlLength && plainPath.test(url);
}

/** JSON of a plain path after its origin, which is empty for entries; `hosts` caches the JSON of redacted origins. */
export function plainUrlJson(origin: string, path: string, hosts: TextCache): string {
  return `${hosts.get(origin).slice(0, -1)}${path}"`;
}

/** The redacted URL of a request without its query: a path for an entry, with the origin for an exit. */
export function redactedUrl({ url: fullUrl, host }: HttpAttributes, isEntry: boolean, redactor: Redactor): string {
  const url = cutUrl(fullUrl);
  const origin = !isEntry && host !== null && url.startsWith('/') ? host : '';
  return redactor.redactHost(origin) + redactor.redactPath(sanitizeUrl(url));
}

/** The redacted query of a request; undefined if there is none. */
export function redactedQuery({ url }: HttpAttributes, redactor: Redactor): string | undefined {
  return redactor.redactQuery(queryOf(cutUrl(url)));
}

function cutUrl(url: string): string {
  return url.length > maxUrlLength ? url.slice(0, maxUrlLength) : url;
}

/** The captured headers by name, with secret values redacted. */
export function redactedHeaders(headers: Readonly<Record<string, string>>, redactor: Redactor): Record<string, string> {
  const redacted: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) redacted[name] = redactor.redactHeader(name, value);
  return redacted;
}
