// Types of the gauges' readings: series of the registry's metrics at one moment.

/** One series of a counter or gauge at one moment, in the metric's unit. */
export interface NumberPoint {
  /** Value of the metric's attribute, if it has one. */
  readonly attribute?: string;
  readonly value: number;
}

/** One series of a histogram; `min` and `max` are absent while it is empty. */
export interface HistogramPoint {
  readonly attribute?: string;
  readonly count: number;
  readonly sum: number;
  readonly min?: number;
  readonly max?: number;
  readonly bounds: readonly number[];
  /** One bucket more than bounds; their sum is `count`. */
  readonly bucketCounts: readonly number[];
}

/** All series of one metric of the registry. */
export interface Reading {
  readonly name: string;
  /** The sum or histogram counts from the start of the meter, not of the process. */
  readonly isSinceStart?: true;
  readonly points: readonly (NumberPoint | HistogramPoint)[];
}

/** All readings of one moment. Times are in milliseconds since the epoch. */
export interface MetricReadings {
  readonly timeMs: number;
  /** Start of the meter. */
  readonly startMs: number;
  readonly processStartMs: number;
  readonly readings: readonly Reading[];
}
