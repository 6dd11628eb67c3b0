// What gauges read: series of the registry's metrics at one moment.

/** One series of a counter or gauge at one moment, in the metric's unit. */
export interface NumberPoint {
  /** Value of the metric's attribute, where it has one. */
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
  /** One more than there are bounds; together they are the count. */
  readonly bucketCounts: readonly number[];
}

/** All series of one metric of the registry. */
export interface Reading {
  readonly name: string;
  /** Whether a sum or histogram counts from the start of the observation rather than of the process. */
  readonly isSinceStart?: true;
  readonly points: readonly (NumberPoint | HistogramPoint)[];
}

/** What was read at one moment; times in milliseconds since the epoch. */
export interface MetricReadings {
  readonly timeMs: number;
  /** When the observation began. */
  readonly startMs: number;
  readonly processStartMs: number;
  readonly readings: readonly Reading[];
}
