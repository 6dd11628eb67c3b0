// A receiver of spans, and what it has counted.

/** The protocol of a receiver. */
export type Protocol = 'instana' | 'datadog' | 'otlp' | 'elastic';

/** The spans that have arrived since the start. */
export interface Arrived {
  /** Spans of requests that the application served. */
  readonly entries: number;
  /** Spans of requests that the application made. */
  readonly exits: number;
  readonly others: number;
  /** Whether the process has announced itself; always true for protocols without an announcement. */
  readonly isKnown: boolean;
}

/** A receiver that listens. */
export interface Receiver {
  readonly port: number;
  arrived(): Arrived;
}
