// Posts OTLP/JSON over one kept connection, and reads the outcome from the response.

import type { OtlpSettings } from '../config/otlp-endpoints.js';
import { type Outcome, sendRequest } from '../export/outcome.js';
import { HttpConnection } from '../transport/http-connection.js';
import { type Address, type HttpResponse, isSuccess, parseRetryAfter } from '../transport/message.js';

/** A connection may rest for longer than the interval of metrics: each new one makes the agent look up whose it is. */
const idleMs = 120_000;
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const maxMessageLength = 200;

/** One request at a time. Makes no spans, and nothing of it keeps the process alive. */
export class OtlpClient {
  readonly address: Address;
  readonly path: string;
  /** For logs: without the query, which may hold a key. */
  readonly url: string;
  /** The headers as lines of a request, each with its line end. */
  readonly headLines: string;
  readonly #connection: HttpConnection;

  /** `url` is one that `readOtlpSettings` has checked. */
  constructor(url: string, { headers, timeoutMs }: Pick<OtlpSettings, 'headers' | 'timeoutMs'>) {
    const { protocol, hostname, port, pathname, search } = new URL(url);
    const isSecure = protocol === 'https:';
    this.address = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (isSecure ? 443 : 80) : Number(port),
      isSecure,
    };
    this.path = `${pathname}${search}`;
    this.url = withoutQuery(url);
    this.headLines = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    this.#connection = new HttpConnection(timeoutMs, idleMs);
  }

  /** Never rejects. The caller waits for it before the next. Bytes have to hold until then. */
  post(body: string | Uint8Array): Promise<Outcome> {
    const { address, path, headLines } = this;
    return sendRequest(this.#connection, address, { method: 'POST', path, headLines, body }, readOutcome);
  }

  /** For the end of the process: sends at once, if the kept connection is free for it, and waits for nothing. Never throws. */
  postWithoutResponse(body: string): void {
    const { address, path, headLines } = this;
    this.#connection.sendWithoutResponse(address, { method: 'POST', path, headLines, body });
  }

  /** Whether the last request was given up because nothing else kept the process alive. */
  isAbortedAtExit(): boolean {
    return this.#connection.isAbortedAtExit();
  }

  /** Gives up the request under way. The client stays usable. */
  close(): void {
    this.#connection.close();
  }
}

/** A URL as logs and `status()` show it: its query may hold a key. */
export function withoutQuery(url: string): string {
  return url.replace(/\?.*$/s, '');
}

function readOutcome({ status, retryAfter, text }: HttpResponse): Outcome {
  if (isSuccess(status)) return partialSuccess(text) ?? { kind: 'accepted' };
  if (retryable.has(status)) return { kind: 'retry', status, retryAfterMs: parseRetryAfter(retryAfter) };
  return { kind: status === 413 ? 'too-large' : 'refused', status };
}

/** Null unless the body reports a rejection: by its status the request was accepted. */
function partialSuccess(text: string): Outcome | null {
  if (!text.includes('partialSuccess')) return null;
  try {
    const { partialSuccess: partial } = Object(JSON.parse(text)) as { partialSuccess?: unknown };
    const members = Object(partial) as Record<string, unknown>;
    const rejected = Number(members['rejectedSpans'] ?? members['rejectedDataPoints'] ?? 0);
    const message = typeof members['errorMessage'] === 'string' ? members['errorMessage'] : '';
    if (!(rejected > 0) && message === '') return null;
    return { kind: 'partial', rejected: rejected > 0 ? rejected : 0, message: message.slice(0, maxMessageLength) };
  } catch {
    return null;
  }
}
