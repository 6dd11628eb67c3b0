// Measures how late the event loop runs its timers.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Gauge } from '../gauge.js';
import type { Reading } from '../reading.js';

/** Each wake-up costs an idle process CPU time: ten times as much at 10 ms. */
const resolutionMs = 100;

/** The delay in seconds, from the nanoseconds between two wake-ups, which include the resolution. */
function delaySeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000);
}

/** Measures from its creation until `stop()`. Each reading resets the histogram. */
export class EventLoopDelayGauge implements Gauge {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs });

  constructor() {
    this.#histogram.enable();
  }

  /** Empty if the loop has not turned twice since the last reading. */
  read(): readonly Reading[] {
    const histogram = this.#histogram;
    // An empty histogram is not reset: Node.js measures from the first wake-up after a reset, so a loop with turns longer than
    // the interval between readings would never be measured.
    if (histogram.count === 0) return [];
    const values: readonly (readonly [string, number])[] = [
      ['min', delaySeconds(histogram.min)],
      ['max', delaySeconds(histogram.max)],
      ['mean', delaySeconds(histogram.mean)],
      ['stddev', histogram.stddev / 1e9],
      ['p50', delaySeconds(histogram.percentile(50))],
      ['p90', delaySeconds(histogram.percentile(90))],
      ['p99', delaySeconds(histogram.percentile(99))],
    ];
    histogram.reset();
    return values.map(([name, value]) => ({ name: `nodejs.eventloop.delay.${name}`, points: [{ value }] }));
  }

  stop(): void {
    this.#histogram.disable();
  }
}
