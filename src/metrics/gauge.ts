// What all gauges of the registry's metrics have in common.
import type { Reading } from './reading.js';

/** The moment of a reading. */
export interface Sample {
  /** Since the last reading, or since the gauges were made. */
  readonly elapsedSeconds: number;
  /** Asked once for all gauges. */
  readonly usage: NodeJS.ResourceUsage;
}

/** Observes one subject from when it is made. */
export interface Gauge {
  /** What cannot be known is left out. */
  read(moment: Sample): readonly Reading[];
  /** Releases what it holds, if anything. */
  stop?(): void;
}

/** Turns a total that only grows into a rate since the last reading. */
export class Rate {
  #last: number;

  constructor(first: number) {
    this.#last = first;
  }

  /** A second. Not finite when no time has passed. */
  next(total: number, { elapsedSeconds }: Sample): number {
    const rate = (total - this.#last) / elapsedSeconds;
    this.#last = total;
    return rate;
  }
}
