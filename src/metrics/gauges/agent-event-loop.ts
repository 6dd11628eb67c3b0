// Counts iterations of the event loop and measures how late its timers run, for the agent.
import type { Ticker } from '../../core/ticker.js';
import type { EventLoopMetrics } from '../../protocol/metrics-payload.js';

/** Measures nothing until `start()`. */
export class AgentEventLoopCounter {
  readonly #ticker: Ticker;
  #end: (() => void) | null = null;
  #lastCount: number | null = null;
  #lastLagMs = 0;
  /** The greatest lag since the last read; null if no timer was due. */
  #lagMs: number | null = null;

  constructor(ticker: Ticker) {
    this.#ticker = ticker;
  }

  start(): void {
    if (this.#end !== null) return;
    this.#lastCount = iterations();
    this.#end = this.#ticker.listen('event loop', (lateMs) => {
      this.#lagMs = Math.max(this.#lagMs ?? 0, Math.round(lateMs * 100) / 100);
    });
  }

  stop(): void {
    this.#end?.();
    this.#end = null;
    this.#lagMs = null;
    this.#lastLagMs = 0;
  }

  /**
   * The values since the last read. `statsSupported` is false, because Node.js counts iterations but does not time them: min, max
   * and sum are missing.
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
}

/** The number of iterations so far; null before Node.js 20.18 and 22.8. */
function iterations(): number | null {
  const { uvMetricsInfo } = performance.nodeTiming as unknown as { uvMetricsInfo?: { loopCount: number } };
  return uvMetricsInfo?.loopCount ?? null;
}
