// One timer for everything that happens each second, so that an idle process wakes up once for it.
import { systemClock, type Timer } from './clock.js';
import type { InternalErrors } from './internal-errors.js';

const intervalMs = 1000;

/** Called each second, with the milliseconds by which the timer was late; 0 when it was on time. */
export type TickListener = (lateMs: number) => void;

/** Has a timer only while there are listeners. It does not keep the process alive. */
export class Ticker {
  readonly #errors: InternalErrors;
  readonly #listeners: Map<TickListener, string> = new Map();
  #timer: Timer | null = null;
  #dueMs = 0;

  constructor(errors: InternalErrors) {
    this.#errors = errors;
  }

  /** Returns a function that removes the listener. An error of the listener is counted under `place`. */
  listen(place: string, listener: TickListener): () => void {
    this.#listeners.set(listener, place);
    if (this.#timer === null) {
      this.#dueMs = systemClock.now() + intervalMs;
      this.#timer = systemClock.setInterval(() => this.#tick(), intervalMs);
      this.#timer.unref();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0 || this.#timer === null) return;
      systemClock.clearInterval(this.#timer);
      this.#timer = null;
    };
  }

  #tick(): void {
    const tick = systemClock.now();
    const lateMs = Math.max(0, tick - this.#dueMs);
    this.#dueMs = tick + intervalMs; // Node.js counts from when the callback began, too
    for (const [listener, place] of this.#listeners) {
      try {
        listener(lateMs);
      } catch (error) {
        this.#errors.record(place, error);
      }
    }
  }
}
