// One timer for all that is to be looked at each second, so that an idle process is woken once for it.
import type { Faults } from './internal-errors.js';

const intervalMs = 1000;

// Taken when this file is loaded, since a host under test may fake them later.
const { setInterval, clearInterval } = globalThis;
const now = performance.now.bind(performance);

/** Told each second, and by how many milliseconds the timer was late; 0 when it was not. */
export type BeatListener = (lateMs: number) => void;

/** Has a timer, which does not keep the process alive, only while somebody listens. */
export class Beat {
  readonly #faults: Faults;
  readonly #listeners: Map<BeatListener, string> = new Map();
  #timer: NodeJS.Timeout | null = null;
  #dueMs = 0;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** Returns what ends it. `place` is where an error of the listener is counted. */
  listen(place: string, listener: BeatListener): () => void {
    this.#listeners.set(listener, place);
    if (this.#timer === null) {
      this.#dueMs = now() + intervalMs;
      this.#timer = setInterval(() => this.#tell(), intervalMs).unref();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0 || this.#timer === null) return;
      clearInterval(this.#timer);
      this.#timer = null;
    };
  }

  #tell(): void {
    const tick = now();
    const lateMs = Math.max(0, tick - this.#dueMs);
    this.#dueMs = tick + intervalMs; // Node.js counts from when the callback began, too
    for (const [listener, place] of this.#listeners) {
      try {
        listener(lateMs);
      } catch (error) {
        this.#faults.record(place, error);
      }
    }
  }
}
