// URL, query and headers of a request without secrets, for every form in which spans are sent.
import type { TextCache } from '../core/text-cache.js';
import { queryOf, type Redactor, sanitizeUrl } from '../redaction/redactor.js';
import type { HttpAttributes } from './span.js';

/** Servers take request lines of 16 KiB; the URL of a client's request has no bound. */
const maxUrlLength = 16_384;

/** A path in which nothing has to be quoted, decoded or redacted. Two slashes at its beginning would start a host. */
const plainPath = /^\/(?!\/)[\w\-./~!$'()*+,:]*$/;

/** Whether a URL is such a path: most are, and cost no more than this test. */
export function isPlainPath(url: string): boolean {
  return url.length <= maxUrlLength && plainPath.test(url);
}

/** JSON of a plain path with the origin of a call; `hosts` has the JSON of redacted origins. */
export function plainUrlJson(origin: string, path: string, hosts: TextCache): string {
  return `${hosts.get(origin).slice(0, -1)}${path}"`;
}

/** The URL of any request without its query: a path for an entry, with the origin for an exit. */
export function redactedUrl({ url: whole, host }: HttpAttributes, isEntry: boolean, redactor: Redactor): string {
  const url = cutUrl(whole);
  const origin = !isEntry && host !== null && url.startsWith('/') ? host : '';
  return redactor.redactHost(origin) + redactor.redactPath(sanitizeUrl(url));
}

/** The query of any request; undefined without one. */
export function redactedQuery({ url }: HttpAttributes, redactor: Redactor): string | undefined {
  return redactor.redactQuery(queryOf(cutUrl(url)));
}

function cutUrl(url: string): string {
  return url.length > maxUrlLength ? url.slice(0, maxUrlLength) : url;
}

/** Captured headers by name. */
export function redactedHeaders(headers: Readonly<Record<string, string>>, redactor: Redactor): Record<string, string> {
  const redacted: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) redacted[name] = redactor.redactHeader(name, value);
  return redacted;
}
