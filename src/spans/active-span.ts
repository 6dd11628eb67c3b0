// Which span is active now, in this chain of asynchronous calls.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { W3cContext } from '../propagation/w3c.js';
import { SpanRecord } from './span.js';

/** Stands in the place of a span where nothing is to be traced: level 0, and the sensor's own work. */
export class Suppressed {
  /** What calls from there pass on. */
  readonly w3c: W3cContext | null;

  constructor(w3c: W3cContext | null) {
    this.w3c = w3c;
  }
}

/** The mark where there is nothing to pass on. */
export const suppressed: Suppressed = new Suppressed(null);

/** What is active: a span, the mark of suppression, or nothing. Only to be handed back to `leave`. */
export type ActiveState = SpanRecord | Suppressed | undefined;

/** The active span by asynchronous context; made once per sensor. */
export class ActiveSpan {
  readonly #storage: AsyncLocalStorage<ActiveState> = new AsyncLocalStorage();

  /** The active span, or null outside any and where tracing is suppressed. It may be finished already. */
  get(): SpanRecord | null {
    const store = this.#storage.getStore();
    return store instanceof SpanRecord ? store : null;
  }

  isSuppressed(): boolean {
    return this.#storage.getStore() instanceof Suppressed;
  }

  /** The mark of suppression that is active, or null. */
  suppression(): Suppressed | null {
    const store = this.#storage.getStore();
    return store instanceof Suppressed ? store : null;
  }

  /**
   * Makes a span active from here on, or a mark, where no span may start; to be followed by `leave` with what this
   * returns, in the same function and whatever happens. For the path of each request: `run` of Node.js, which the others are made
   * of, makes a list of the arguments and calls through two more functions.
   */
  enter(active: SpanRecord | Suppressed): ActiveState {
    const outer = this.#storage.getStore();
    this.#storage.enterWith(active);
    return outer;
  }

  /** Puts back what was active before `enter`. */
  exit(outer: ActiveState): void {
    this.#storage.enterWith(outer);
  }

  /** Calls `fn` with `self` and `args`, a span or a mark being active in it and in all that it starts. */
  apply<Result>(
    active: SpanRecord | Suppressed,
    fn: (...args: never[]) => Result,
    self: unknown,
    args: ArrayLike<unknown>,
  ): Result {
    return this.#storage.run(active, Reflect.apply, fn, self, args) as Result; // what `fn` returns
  }

  /**
   * Calls `fn` apart from any request that may be under way: for the sensor's own work, and all that it starts. Where nothing
   * is active it is called as it stands: `run` would switch the storage on, and Node.js' hooks of each promise with it, in a
   * process that serves nothing yet.
   */
  runSuppressed<Result>(fn: () => Result): Result {
    return this.#storage.getStore() === undefined ? fn() : this.#storage.run(suppressed, fn);
  }
}
