// Types of requests and responses of an agent or a collector, and small functions on them.
import type { Socket } from 'node:net';

/** Where an agent or collector listens; `host` is a name or an address, IPv6 without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** Connect over TLS; Node.js must trust the certificate. */
  readonly isSecure?: boolean;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  readonly path: string;
  /** Additional header lines, each ending in CRLF. The caller has validated them. */
  readonly headLines?: string;
  /** The JSON as text or UTF-8 bytes, or a function that creates it for the connected socket. */
  readonly body?: string | Uint8Array | ((socket: Socket) => string);
}

/** A response. `text` is at most 1 MiB; `isComplete` is false if it was truncated or the connection broke. */
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

/** Milliseconds to wait from a Retry-After header, which has seconds or a date; null if it has neither. */
export function parseRetryAfter(value: string | null): number | null {
  if (value === null) return null;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - Date.now());
}
