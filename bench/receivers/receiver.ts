// What tracers send to, and what it has counted.

/** Whose protocol a receiving end speaks. */
export type Protocol = 'instana' | 'datadog' | 'otlp' | 'elastic';

/** What has arrived since the start. */
export interface Arrived {
  /** Spans of requests that were served. */
  readonly entries: number;
  /** Spans of requests that were made. */
  readonly exits: number;
  readonly others: number;
  /** Whether the process has made itself known, in protocols where it does. */
  readonly isKnown: boolean;
}

export interface Receiver {
  readonly port: number;
  arrived(): Arrived;
}
