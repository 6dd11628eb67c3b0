// Errors of the sensor itself: counted by place and logged once, so that the application never sees one.
import type { Log } from './log.js';

const maxErrors = 10;

/** Counts the internal errors of one instrumentation; after ten it is switched off for good. */
export interface CircuitBreaker {
  /** True once it is switched off: only the application's function runs. */
  readonly isOpen: boolean;
  /** Counts an error; never throws. */
  record(error: unknown): void;
}

/** Runs own code for callers that must not see it fail. */
export class InternalErrors {
  readonly #counts: Map<string, number> = new Map();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Counts an internal error; logs the first of each place, with its stack at debug level. Never throws. */
  record(place: string, error: unknown): void {
    try {
      const count = (this.#counts.get(place) ?? 0) + 1;
      this.#counts.set(place, count);
      if (count !== 1) return;
      this.#log.warn(`internal error in ${place}, the application is not affected: ${describe(error)}`);
      if (error instanceof Error) this.#log.debug(String(error.stack));
    } catch {
      // A failure to describe the error must not become another one.
    }
  }

  /** A circuit breaker for the given place. */
  breaker(place: string): CircuitBreaker {
    let left = maxErrors;
    const breaker = {
      isOpen: false,
      record: (error: unknown): void => {
        this.record(place, error);
        left--;
        if (left > 0 || breaker.isOpen) return;
        breaker.isOpen = true;
        this.#log.warn(`${place} failed ${maxErrors} times and is switched off until the next start`);
      },
    };
    return breaker;
  }

  /** Errors so far, by place; empty when there were none. */
  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** Wraps one of our callbacks (timer, event, socket) so that an error is counted, never thrown. */
  quietly<Args extends unknown[]>(place: string, callback: (...args: Args) => void): (...args: Args) => void {
    return (...args) => {
      try {
        callback(...args);
      } catch (error) {
        this.record(place, error);
      }
    };
  }
}

function describe(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'an error that cannot be described';
  }
}
