// How late the event loop comes to its timers.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Gauge } from '../gauge.js';
import type { Reading } from '../reading.js';

/** An idle process pays for each wake-up: ten times as much at 10 ms. */
const resolutionMs = 100;

/** Seconds from nanoseconds between two wake-ups, which are the delay and the time between them when nothing is late. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000);
}

/** Measures from when it is made until `stop()`; each reading begins anew. */
export class EventLoopDelayGauge implements Gauge {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs });

  constructor() {
    this.#histogram.enable();
  }

  /** Nothing when the loop has not come round twice since the last reading. */
  read(): readonly Reading[] {
    const histogram = this.#histogram;
    // Left alone when empty: Node.js measures from the first wake-up after a reset, so a loop whose turns are longer than the time between
    // two readings would never be measured.
    if (histogram.count === 0) return [];
    const values: readonly (readonly [string, number])[] = [
      ['min', late(histogram.min)],
      ['max', late(histogram.max)],
      ['mean', late(histogram.mean)],
      ['stddev', histogram.stddev / 1e9],
      ['p50', late(histogram.percentile(50))],
      ['p90', late(histogram.percentile(90))],
      ['p99', late(histogram.percentile(99))],
    ];
    histogram.reset();
    return values.map(([name, value]) => ({ name: `nodejs.eventloop.delay.${name}`, points: [{ value }] }));
  }

  stop(): void {
    this.#histogram.disable();
  }
}
