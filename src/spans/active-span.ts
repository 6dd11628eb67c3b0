// Keeps the active span of each asynchronous context.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { W3cContext } from '../propagation/w3c-context.js';
import { SpanRecord } from './span.js';

/** Replaces the active span where nothing is traced: requests with level 0, and the sensor's own work. */
export class Suppressed {
  /** The W3C context that outgoing calls forward; null if there is none. */
  readonly w3c: W3cContext | null;

  constructor(w3c: W3cContext | null) {
    this.w3c = w3c;
  }
}

/** The suppression mark without a W3C context. */
export const suppressed: Suppressed = new Suppressed(null);

/** A span, a suppression mark, or nothing. */
export type ActiveState = SpanRecord | Suppressed | undefined;

/** The active span by asynchronous context; one instance per sensor. */
export class ActiveSpan {
  readonly #storage: AsyncLocalStorage<ActiveState> = new AsyncLocalStorage();

  /** The active span, which may already be finished; null if there is none or tracing is suppressed. */
  get(): SpanRecord | null {
    const store = this.#storage.getStore();
    return store instanceof SpanRecord ? store : null;
  }

  /** What is active, to be compared, or to be passed to `resume` or `apply` later. */
  state(): ActiveState {
    return this.#storage.getStore();
  }

  isSuppressed(): boolean {
    return this.#storage.getStore() instanceof Suppressed;
  }

  /** The active suppression mark, or null. */
  suppression(): Suppressed | null {
    const store = this.#storage.getStore();
    return store instanceof Suppressed ? store : null;
  }

  /**
   * Makes a span or a suppression mark active from here on. The same function must always pass the result to `exit`. For the
   * path of each request: `run` of Node.js, which the other methods use, allocates an argument list and adds two calls.
   */
  enter(active: SpanRecord | Suppressed): ActiveState {
    const outer = this.#storage.getStore();
    this.#storage.enterWith(active);
    return outer;
  }

  /** Restores what was active before `enter`. */
  exit(outer: ActiveState): void {
    this.#storage.enterWith(outer);
  }

  /** Calls `fn` with `self` and `args`. The span, the mark or nothing is active in it and in everything it starts. */
  apply<Result>(
    active: ActiveState,
    fn: (...args: never[]) => Result,
    self: unknown,
    args: ArrayLike<unknown>,
  ): Result {
    return this.#storage.run(active, Reflect.apply, fn, self, args) as Result; // `Reflect.apply` returns the result of `fn`
  }

  /** Calls `fn` with what was active at the time of `state`. It is called directly if that is active already. */
  resume<Result>(
    active: ActiveState,
    fn: (...args: never[]) => Result,
    self: unknown,
    args: ArrayLike<unknown>,
  ): Result {
    return this.#storage.getStore() === active ? Reflect.apply(fn, self, args) : this.apply(active, fn, self, args);
  }

  /**
   * Runs `fn`, and everything it starts, outside the current request's context: for the sensor's own work. If nothing is active,
   * `fn` is called directly: `run` would enable the storage, and with it Node.js' promise hooks, in a process that serves nothing yet.
   */
  runSuppressed<Result>(fn: () => Result): Result {
    return this.#storage.getStore() === undefined ? fn() : this.#storage.run(suppressed, fn);
  }
}
