// Remembers which requests came: counters always, whole requests when asked to.
import type { IncomingHttpHeaders } from 'node:http';

/** A request as it came, whatever became of it. */
export interface RecordedRequest {
  readonly method: string;
  /** With the query string. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As parsed; `undefined` when there was none or it could not be parsed. */
  readonly body: unknown;
  readonly bodyBytes: number;
  readonly timeMs: number;
}

const maximumCounters = 500;

/** Counts requests by method and path, and keeps them all when recording. */
export class RequestLog {
  readonly #isRecording: boolean;
  readonly #counts: Map<string, number> = new Map();
  #recorded: RecordedRequest[] = [];

  constructor(isRecording: boolean) {
    this.#isRecording = isRecording;
  }

  /** Counts under `METHOD path`; when there are too many different paths, under `other`. */
  count(method: string, path: string): void {
    const wanted = `${method} ${path.slice(0, 200)}`;
    const key = this.#counts.has(wanted) || this.#counts.size < maximumCounters ? wanted : 'other';
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  record(request: RecordedRequest): void {
    if (this.#isRecording) this.#recorded.push(request);
  }

  /** The recorded requests in the order of arrival, those of a method and of a path's beginning when given. */
  requests(method?: string, pathPrefix?: string): RecordedRequest[] {
    return this.#recorded.filter(
      (request) =>
        (method === undefined || request.method === method) &&
        (pathPrefix === undefined || request.path.startsWith(pathPrefix)),
    );
  }

  clear(): void {
    this.#recorded = [];
  }
}
