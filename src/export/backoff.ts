// How long to wait after a failure before the next attempt.
import { systemClock } from '../core/clock.js';

/** The waits of one kind of request. */
export interface BackoffPolicy {
  /** After the first failure; it doubles with each further one in a row. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** The largest share that chance takes off a wait, so that processes that lost a receiver together do not come back together. */
  readonly jitter?: number;
  /** The longest Retry-After that is respected. */
  readonly maxRetryAfterMs?: number;
  /** Retry-After replaces the wait, even by a shorter one, though not below `firstMs`; otherwise the longer of the two counts. */
  readonly retryAfterReplaces?: boolean;
  /** For a while after a connection was lost, waits are shorter, so that a restarted receiver is found soon. */
  readonly afterDisconnect?: { readonly maxMs: number; readonly windowMs: number; readonly steadyMs: number };
}

/** Counts failures in a row. */
export class Backoff {
  readonly #policy: BackoffPolicy;
  readonly #now: () => number;
  readonly #random: () => number;
  #failures = 0;
  #windowEnds = Number.NEGATIVE_INFINITY;
  #lastDisconnect = Number.NEGATIVE_INFINITY;

  constructor(policy: BackoffPolicy, now: () => number, random: () => number = systemClock.random) {
    this.#policy = policy;
    this.#now = now;
    this.#random = random;
  }

  /** Failures since the last `reset()`. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure and returns the wait before the next attempt. `retryAfterMs` is what the receiver asks for, if anything. */
  next(retryAfterMs: number | null = null): number {
    const { firstMs, maxMs, jitter = 0, maxRetryAfterMs = 0, retryAfterReplaces, afterDisconnect } = this.#policy;
    const capMs = afterDisconnect !== undefined && this.#now() < this.#windowEnds ? afterDisconnect.maxMs : maxMs;
    const waitMs = Math.min(firstMs * 2 ** this.#failures, maxMs, capMs) * (1 - jitter * this.#random());
    this.#failures += 1;
    if (retryAfterMs === null) return waitMs;
    return Math.max(retryAfterReplaces === true ? firstMs : waitMs, Math.min(retryAfterMs, maxRetryAfterMs));
  }

  /** The receiver has taken something. */
  reset(): void {
    this.#failures = 0;
  }

  /**
   * The wait before the first attempt after a connection was lost: none, so that a restarted receiver is found at once,
   * unless the previous connection was also lost moments ago.
   */
  nextAfterDisconnect(): number {
    const { afterDisconnect } = this.#policy;
    const now = this.#now();
    const isSteady = now - this.#lastDisconnect >= (afterDisconnect?.steadyMs ?? 0);
    this.#lastDisconnect = now;
    if (!isSteady) return this.next();
    this.reset();
    this.#windowEnds = now + (afterDisconnect?.windowMs ?? 0);
    return 0;
  }
}
