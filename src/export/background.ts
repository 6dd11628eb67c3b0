// The sensor's own work beside the application's: in a context of its own, and restarted after an error.
import { AsyncResource } from 'node:async_hooks';
import type { Timers } from '../core/clock.js';
import type { InternalErrors } from '../core/internal-errors.js';
import { Sleeper } from '../core/sleeper.js';

const retryAfterErrorMs = 10_000;

/** Work belongs to the asynchronous context in which this was made, not to that of the request that happens to cause it. */
export class OwnContext {
  readonly #resource: AsyncResource;
  readonly #place: string;
  readonly #errors: InternalErrors;

  /** `name` is what async_hooks shows; `place` is where errors are counted. */
  constructor(name: string, place: string, errors: InternalErrors) {
    this.#resource = new AsyncResource(name, { requireManualDestroy: true });
    this.#place = place;
    this.#errors = errors;
  }

  /** Never throws: an error is counted, and `onError` called. */
  run(work: () => void, onError?: () => void): void {
    try {
      this.#resource.runInAsyncScope(work);
    } catch (error) {
      this.#errors.record(this.#place, error);
      onError?.();
    }
  }
}

/** A loop that is to run until it is over. */
export interface BackgroundLoop {
  /** Where its errors are counted. */
  readonly place: string;
  readonly errors: InternalErrors;
  readonly timers: Timers;
  readonly isOver: () => boolean;
  readonly run: () => Promise<void>;
}

/** Runs the loop; after an error, which is counted, it begins again after a while. */
export async function keepRunning({ place, errors, timers, isOver, run }: BackgroundLoop): Promise<void> {
  while (!isOver()) {
    try {
      await run();
    } catch (error) {
      errors.record(place, error);
      await new Sleeper(timers).sleep(retryAfterErrorMs);
    }
  }
}
