// What a benchmark is to the command that runs it.
import type { Options } from './options.js';

/** A figure for which there is a goal. */
export interface Measured {
  /** Name of the goal. */
  readonly goal: string;
  readonly value: number;
  /** The same without the sensor, by which the speed of the machine is known. */
  readonly bare: number | null;
}

export interface Report {
  /** As it is written with `--json`. */
  readonly result: object;
  /** For people: tables of a fixed format. */
  readonly text: string;
  readonly measured: readonly Measured[];
  /** Why the run, or a part of it, is void. */
  readonly voids: readonly string[];
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** Takes so long that it runs only when it is named. */
  readonly isOnDemand?: true;
  run(options: Options): Promise<Report>;
}
