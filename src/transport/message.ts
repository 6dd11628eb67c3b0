// What a JSON request to an agent consists of, and what comes back.
import type { Socket } from 'node:net';

/** Where an agent listens; `host` is a name or an address, IPv6 without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** Over TLS, with a certificate that Node.js trusts. */
  readonly isSecure?: boolean;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  readonly path: string;
  /** More lines of the head, each with its end; the caller has looked at what is in them. */
  readonly headLines?: string;
  /** The JSON as text or as UTF-8 bytes, or a function that makes it once the socket that will carry it is connected. */
  readonly body?: string | Uint8Array | ((socket: Socket) => string);
}

/** What came back. `text` is at most 1 MiB; `isComplete` is false when more was to come or the connection broke. */
export interface HttpResponse {
  readonly status: number;
  readonly server: string;
  readonly retryAfter: string | null;
  readonly text: string;
  readonly isComplete: boolean;
}

/** Whether a status means success. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}

/** As it stands in a URL and in the Host header. */
export function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** Milliseconds of a Retry-After header, which has seconds or a date; null when it has neither. */
export function parseRetryAfter(value: string | null): number | null {
  if (value === null) return null;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - Date.now());
}
