// How long to wait before the agent is asked again.

const firstMs = 1000;
const maxMs = 10_000;
const maxAfterDisconnectMs = 1500;
const disconnectWindowMs = 60_000;
const steadyMs = 10_000;

/**
 * 1 s, doubling to 10 s, each shortened by up to a fifth at random so that processes started together do not ask together.
 * For a minute after an agent was lost it is at most 1.5 s: one that restarts is found within 2 s.
 */
export class Backoff {
  readonly #now: () => number;
  readonly #random: () => number;
  #nextMs = firstMs;
  #disconnectWindowEnds = Number.NEGATIVE_INFINITY;
  #lastDisconnect = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
  }

  /** The wait before the next attempt. */
  next(): number {
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(delayMs * 2, maxMs);
    const capMs = this.#now() < this.#disconnectWindowEnds ? maxAfterDisconnectMs : maxMs;
    return Math.min(delayMs, capMs) * (1 - 0.2 * this.#random());
  }

  /**
   * The wait before the first attempt after a connection was lost: none, so that a restarted agent is found at once,
   * unless the connection before was lost only just now as well.
   */
  afterDisconnect(): number {
    const now = this.#now();
    const wasSteady = now - this.#lastDisconnect >= steadyMs;
    this.#lastDisconnect = now;
    if (!wasSteady) return this.next();
    this.#nextMs = firstMs;
    this.#disconnectWindowEnds = now + disconnectWindowMs;
    return 0;
  }
}
