// The interface of all gauges for the registry's metrics, and their helper for rates.
import type { Reading } from './reading.js';

/** Inputs shared by all gauges of one reading. */
export interface Sample {
  /** Time since the last reading, or since the gauges were created. */
  readonly elapsedSeconds: number;
  /** Resource usage, read once for all gauges. */
  readonly usage: NodeJS.ResourceUsage;
}

/** Samples one subject, starting when the gauge is created. */
export interface Gauge {
  /** The current readings. Unknown values are left out. */
  read(sample: Sample): readonly Reading[];
  /** Releases observers, if the gauge has any. */
  stop?(): void;
}

/** Converts a growing total to a rate since the last reading. */
export class Rate {
  #last: number;

  constructor(first: number) {
    this.#last = first;
  }

  /** The rate per second; not finite if no time has passed. */
  next(total: number, { elapsedSeconds }: Sample): number {
    const rate = (total - this.#last) / elapsedSeconds;
    this.#last = total;
    return rate;
  }
}
