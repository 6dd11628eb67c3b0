// Counts how often the system gave a core of the process to another thread.

import { type Gauge, Rate, type Sample } from '../gauge.js';
import type { Reading } from '../reading.js';

/** Covers all threads of the process, unlike `/proc/self/status`, which covers the main thread only. */
export class ContextSwitchGauge implements Gauge {
  readonly #rate: Rate;

  constructor({ involuntaryContextSwitches }: NodeJS.ResourceUsage) {
    this.#rate = new Rate(involuntaryContextSwitches);
  }

  read(sample: Sample): readonly Reading[] {
    const { voluntaryContextSwitches: voluntary, involuntaryContextSwitches: involuntary } = sample.usage;
    return [
      {
        name: 'process.runtime.nodejs.context_switches',
        points: [
          { attribute: 'voluntary', value: voluntary },
          { attribute: 'involuntary', value: involuntary },
        ],
      },
      {
        name: 'process.runtime.nodejs.context_switches.involuntary.rate',
        points: [{ value: this.#rate.next(involuntary, sample) }],
      },
    ];
  }
}
