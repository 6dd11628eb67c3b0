// Counts the resources that keep the event loop alive, by type.

import type { Gauge } from '../gauge.js';
import type { Reading } from '../reading.js';

export class ActiveResourcesGauge implements Gauge {
  readonly #counts: Map<string, number> = new Map();

  /** A type that has disappeared is reported as 0: without a point, its chart would keep the last value. */
  read(): readonly Reading[] {
    const counts = this.#counts;
    for (const type of counts.keys()) counts.set(type, 0);
    for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
    return [{ name: 'v8js.resource.active', points: [...counts].map(([attribute, value]) => ({ attribute, value })) }];
  }
}
