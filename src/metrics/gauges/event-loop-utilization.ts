// Reads the share of time that the event loop spends in callbacks.
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { Gauge } from '../gauge.js';
import type { Reading } from '../reading.js';

// Captured at load time, because an application's tests may replace it with a fake later.
const eventLoopUtilization = performance.eventLoopUtilization.bind(performance);

export class EventLoopUtilizationGauge implements Gauge {
  #last: EventLoopUtilization = eventLoopUtilization();

  read(): readonly Reading[] {
    const use = eventLoopUtilization();
    const { utilization } = eventLoopUtilization(use, this.#last);
    this.#last = use;
    return [
      { name: 'nodejs.eventloop.utilization', points: [{ value: utilization }] },
      {
        name: 'nodejs.eventloop.time',
        points: [
          { attribute: 'active', value: use.active / 1000 },
          { attribute: 'idle', value: use.idle / 1000 },
        ],
      },
    ];
  }
}
