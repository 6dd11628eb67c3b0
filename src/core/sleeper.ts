// A wait that does not keep the process alive and can be ended early.
import type { Timer, Timers } from './clock.js';

/** One waiter at a time. */
export class Sleeper {
  readonly #timers: Timers;
  #end: (() => void) | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Resolves after `delayMs`, or at the next `wake()`; with Infinity only then. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const end = (): void => {
        if (timer !== null) this.#timers.clearTimeout(timer);
        if (this.#end === end) this.#end = null;
        resolve();
      };
      this.#end = end;
      if (delayMs === Number.POSITIVE_INFINITY) return;
      timer = this.#timers.setTimeout(end, delayMs);
      timer.unref();
    });
  }

  /** Ends the wait under way, if any. */
  wake(): void {
    this.#end?.();
  }
}
