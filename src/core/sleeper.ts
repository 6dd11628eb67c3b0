// Waiting that never holds the process and can be ended early.

/** A timer as Node.js makes it; the wait of a pause is always unref'd. */
export interface Timer {
  unref(): unknown;
}

/** Time as the agent connection needs it; tests hand in their own. */
export interface Timers {
  setTimeout(callback: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer): void;
  /** Milliseconds that only grow. */
  now(): number;
}

// Taken when this file is loaded, since a host under test may fake them later.
const { setTimeout, clearTimeout } = globalThis;
const now = performance.now.bind(performance);

/** The clock of the machine. */
export const realTimers: Timers = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout), // made by the line above
  now,
};

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
