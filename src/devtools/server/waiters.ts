// Lets tests wait until something has become true, looking whenever something has happened.

interface Waiter {
  look(): void;
}

const lookEveryMs = 25;

/** Promises that are kept as soon as a condition holds. */
export class Waiters {
  readonly #waiting: Set<Waiter> = new Set();

  /** Something has happened: every condition is looked at again. */
  look(): void {
    for (const waiter of this.#waiting) waiter.look();
  }

  /** Resolves with the first value of `read` that is not `null`, `undefined` or `false`; rejects after the time, saying what was awaited. */
  until<Value>(read: () => Value | null | undefined | false, timeoutMs: number, what: () => string): Promise<Value> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        this.#waiting.delete(waiter);
        clearTimeout(timeout);
        clearInterval(interval);
        end();
      };
      const waiter: Waiter = {
        look: () => {
          try {
            const value = read();
            if (value !== null && value !== undefined && value !== false) settle(() => resolve(value));
          } catch (error) {
            settle(() => reject(error));
          }
        },
      };
      const timeout = setTimeout(() => settle(() => reject(new Error(`${what()} within ${timeoutMs} ms`))), timeoutMs);
      // A condition may also depend on what the agent does not see.
      const interval = setInterval(waiter.look, lookEveryMs);
      this.#waiting.add(waiter);
      waiter.look();
    });
  }
}
