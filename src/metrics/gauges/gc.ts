// Counts and times garbage collections, and follows the heap that they leave.

import { type Gauge, Rate, type Sample } from '../gauge.js';
import { type Collection, type GcObserver, type GcType, gcTypes } from '../gc-observer.js';
import type { HistogramPoint, Reading } from '../reading.js';
import { HeapGrowth } from './heap-growth.js';

/** In seconds: those of OpenTelemetry's convention for this metric, plus 1 ms, as most minor collections take less. */
const bounds: readonly number[] = [0.001, 0.01, 0.1, 1, 10];

/** Durations of one type, in seconds. */
class Durations {
  readonly #buckets: number[] = new Array<number>(bounds.length + 1).fill(0);
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  add(seconds: number): void {
    const index = bounds.findIndex((bound) => seconds <= bound);
    const bucket = index < 0 ? bounds.length : index;
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sum += seconds;
    this.#min = Math.min(this.#min, seconds);
    this.#max = Math.max(this.#max, seconds);
  }

  point(attribute: GcType): HistogramPoint {
    return {
      attribute,
      count: this.#count,
      sum: this.#sum,
      bounds,
      bucketCounts: [...this.#buckets],
      ...(this.#count === 0 ? {} : { min: this.#min, max: this.#max }),
    };
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }
}

/** Counts from the creation of the gauge. A type that has not occurred yet has a count of 0. */
export class GcGauge implements Gauge {
  readonly #now: () => number;
  readonly #end: () => void;
  readonly #durations: Readonly<Record<GcType, Durations>> = {
    minor: new Durations(),
    major: new Durations(),
    incremental: new Durations(),
    weakcb: new Durations(),
  };
  readonly #growth: HeapGrowth = new HeapGrowth();
  readonly #majorRate: Rate = new Rate(0);
  readonly #timeRatio: Rate = new Rate(0);

  constructor(observer: GcObserver, now: () => number) {
    this.#now = now;
    this.#end = observer.listen((collections, usedHeapBytes) => this.#count(collections, usedHeapBytes));
  }

  read(sample: Sample): readonly Reading[] {
    const seconds = gcTypes.reduce((sum, type) => sum + this.#durations[type].sum, 0);
    return [
      {
        name: 'process.runtime.nodejs.gc_count',
        isSinceStart: true,
        points: gcTypes.map((attribute) => ({ attribute, value: this.#durations[attribute].count })),
      },
      {
        name: 'v8js.gc.duration',
        isSinceStart: true,
        points: gcTypes.map((type) => this.#durations[type].point(type)),
      },
      {
        name: 'process.runtime.nodejs.gc.major.rate',
        points: [{ value: this.#majorRate.next(this.#durations.major.count, sample) }],
      },
      {
        name: 'process.runtime.nodejs.gc.time_ratio',
        points: [{ value: this.#timeRatio.next(seconds, sample) }],
      },
      { name: 'process.runtime.nodejs.heap.growth_rate', points: [{ value: this.#growth.slope(this.#now()) }] },
    ];
  }

  stop(): void {
    this.#end();
  }

  #count(collections: readonly Collection[], usedHeapBytes: number): void {
    for (const { type, durationMs } of collections) {
      if (type !== null) this.#durations[type].add(durationMs / 1000);
    }
    if (collections.some(({ type }) => type === 'major')) this.#growth.add(this.#now(), usedHeapBytes);
  }
}
