// Iterations of the event loop since the last read, and how late its timers are.
import type { EventLoopMetrics } from '../wire/metrics.js';

const intervalMs = 1000;

// Taken when this file is loaded, since a host under test may fake them later.
const { setTimeout, clearTimeout } = globalThis;
const now = performance.now.bind(performance);

/** Measures nothing until `start()`. */
export class EventLoopGauge {
  #timer: NodeJS.Timeout | null = null;
  #lastCount: number | null = null;
  #lastLagMs = 0;
  /** The greatest since the last read; null when no timer was due. */
  #lagMs: number | null = null;

  start(): void {
    if (this.#timer !== null) return;
    this.#lastCount = iterations();
    this.#schedule();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#lagMs = null;
    this.#lastLagMs = 0;
  }

  /**
   * Node.js counts iterations but does not time them: without min, max and sum the statistics as a whole are not
   * supported, which is what the flag says.
   */
  read(): EventLoopMetrics {
    this.#lastLagMs = this.#lagMs ?? this.#lastLagMs;
    this.#lagMs = null;
    const num = this.#readIterations();
    return { ...(num === null ? {} : { num }), lag: this.#lastLagMs, statsSupported: false };
  }

  #readIterations(): number | null {
    const count = iterations();
    const previous = this.#lastCount;
    this.#lastCount = count;
    return count === null || previous === null ? null : count - previous;
  }

  #schedule(): void {
    const dueMs = now() + intervalMs;
    this.#timer = setTimeout(() => {
      const lateMs = Math.round(Math.max(0, now() - dueMs) * 100) / 100;
      this.#lagMs = Math.max(this.#lagMs ?? 0, lateMs);
      this.#schedule();
    }, intervalMs);
    this.#timer.unref();
  }
}

/** Null before Node.js 20.18 and 22.8. */
function iterations(): number | null {
  const { uvMetricsInfo } = performance.nodeTiming as unknown as { uvMetricsInfo?: { loopCount: number } };
  return uvMetricsInfo?.loopCount ?? null;
}
