// What the command needs of a benchmark, and what a benchmark reports.
import type { Options } from './options.js';

/** A figure that has a budget. */
export interface Measured {
  /** Name of the budget. */
  readonly budget: string;
  readonly value: number;
  /** The same figure without the sensor, which shows how fast the machine is. */
  readonly bare: number | null;
}

export interface Report {
  /** What `--json` prints. */
  readonly result: object;
  /** Tables for people. */
  readonly text: string;
  readonly measured: readonly Measured[];
  /** The reasons why the run, or a part of it, is void. */
  readonly voids: readonly string[];
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** Set for a benchmark that takes so long that it runs only when it is named. */
  readonly isOnDemand?: true;
  run(options: Options): Promise<Report>;
}
