// Reads the CPU time of the process, and its share of one core since the last reading.

import { type Gauge, Rate, type Sample } from '../gauge.js';
import type { Reading } from '../reading.js';

/** Covers all threads of the process. */
export class CpuGauge implements Gauge {
  readonly #utilization: Rate;

  constructor(usage: NodeJS.ResourceUsage) {
    this.#utilization = new Rate(cpuSeconds(usage));
  }

  read(sample: Sample): readonly Reading[] {
    const { userCPUTime, systemCPUTime } = sample.usage;
    const utilization = this.#utilization.next(cpuSeconds(sample.usage), sample);
    return [
      { name: 'process.runtime.nodejs.cpu.utilization', points: [{ value: utilization }] },
      {
        name: 'process.runtime.nodejs.cpu_time',
        points: [
          { attribute: 'user', value: userCPUTime / 1e6 },
          { attribute: 'system', value: systemCPUTime / 1e6 },
        ],
      },
    ];
  }
}

function cpuSeconds({ userCPUTime, systemCPUTime }: NodeJS.ResourceUsage): number {
  return (userCPUTime + systemCPUTime) / 1e6;
}
