// How often the system has given a core of the process to somebody else.

import { type Gauge, Rate, type Sample } from '../gauge.js';
import type { Reading } from '../reading.js';

/** All threads of the process, unlike `/proc/self/status`, which counts those of the main thread. */
export class ContextSwitchGauge implements Gauge {
  readonly #rate: Rate;

  constructor({ involuntaryContextSwitches }: NodeJS.ResourceUsage) {
    this.#rate = new Rate(involuntaryContextSwitches);
  }

  read(moment: Sample): readonly Reading[] {
    const { voluntaryContextSwitches: voluntary, involuntaryContextSwitches: involuntary } = moment.usage;
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
        points: [{ value: this.#rate.next(involuntary, moment) }],
      },
    ];
  }
}
