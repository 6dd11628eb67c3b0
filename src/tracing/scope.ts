// Which span is active now, in this chain of asynchronous calls.
import { AsyncLocalStorage } from 'node:async_hooks';
import { SpanRecord } from './span.js';

/** Stands in the place of a span where nothing is to be traced: level 0, and the sensor's own work. */
class Suppressed {
  readonly suppressed = true;
}

const suppressed = new Suppressed();

/** What is active: a span, the mark of suppression, or nothing. Only to be handed back to `leave`. */
export type Active = SpanRecord | Suppressed | undefined;

/** The active span by asynchronous context; made once per sensor. */
export class Scope {
  readonly #storage: AsyncLocalStorage<Active> = new AsyncLocalStorage();

  /** The active span, or null outside any and where tracing is suppressed. It may be finished already. */
  active(): SpanRecord | null {
    const store = this.#storage.getStore();
    return store instanceof SpanRecord ? store : null;
  }

  isSuppressed(): boolean {
    return this.#storage.getStore() === suppressed;
  }

  /**
   * Makes `span` active from here on, or, with null, a place where no span may start; to be followed by `leave` with what this
   * returns, in the same function and whatever happens. For the path of each request: `run` of Node.js, which the others are made
   * of, makes a list of the arguments and calls through two more functions.
   */
  enter(span: SpanRecord | null): Active {
    const outer = this.#storage.getStore();
    this.#storage.enterWith(span ?? suppressed);
    return outer;
  }

  /** Puts back what was active before `enter`. */
  leave(outer: Active): void {
    this.#storage.enterWith(outer);
  }

  /** Calls `fn` with `self` and `args`, `span` being active in it and in all that it starts. */
  apply<Result>(span: SpanRecord, fn: (...args: never[]) => Result, self: unknown, args: ArrayLike<unknown>): Result {
    return this.#storage.run(span, Reflect.apply, fn, self, args) as Result; // what `fn` returns
  }

  /** Calls `fn` where no span may start, in it and in all that it starts. */
  suppress<Result>(fn: () => Result): Result {
    return this.#storage.run(suppressed, fn);
  }

  /** The same for a host function with `self` and `args`. */
  applySuppressed<Result>(fn: (...args: never[]) => Result, self: unknown, args: ArrayLike<unknown>): Result {
    return this.#storage.run(suppressed, Reflect.apply, fn, self, args) as Result; // what `fn` returns
  }
}
