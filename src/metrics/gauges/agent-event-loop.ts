// Iterations of the event loop since the last read, and how late its timers are.
import type { Ticker } from '../../core/ticker.js';
import type { EventLoopMetrics } from '../../protocol/metrics-payload.js';

/** Measures nothing until `start()`. */
export class AgentEventLoopCounter {
  readonly #ticker: Ticker;
  #end: (() => void) | null = null;
  #lastCount: number | null = null;
  #lastLagMs = 0;
  /** The greatest since the last read; null when no timer was due. */
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
}

/** Null before Node.js 20.18 and 22.8. */
function iterations(): number | null {
  const { uvMetricsInfo } = performance.nodeTiming as unknown as { uvMetricsInfo?: { loopCount: number } };
  return uvMetricsInfo?.loopCount ?? null;
}
