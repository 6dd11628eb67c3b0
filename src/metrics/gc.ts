// Garbage collections since the last read.
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Faults } from '../base/faults.js';
import type { GcMetrics } from '../wire/metrics.js';

/** V8's codes, as Node.js hands them on; 2 is the minor collection of newer V8 versions that marks and sweeps. */
const minorMarkSweep = 2;

type Counter = 'minorGcs' | 'majorGcs' | 'incrementalMarkings' | 'weakCallbackProcessing';

const counters: ReadonlyMap<number, Counter> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minorGcs'],
  [minorMarkSweep, 'minorGcs'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'majorGcs'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incrementalMarkings'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakCallbackProcessing'],
]);

/** Observes nothing until `start()`. */
export class GcGauge {
  readonly #faults: Faults;
  #observer: PerformanceObserver | null = null;
  #counts: Map<Counter, number> = new Map();
  #pauseMs = 0;
  #usedHeapBytes: number | null = null;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  start(): void {
    if (this.#observer !== null) return;
    this.#observer = new PerformanceObserver(
      this.#faults.quietly('garbage collection', (list) => {
        for (const entry of list.getEntries()) this.#count(entry);
        // A turn after the collection, hence a little too much, for a microsecond rather than a native add-on.
        this.#usedHeapBytes = getHeapStatistics().used_heap_size;
      }),
    );
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#observer?.disconnect();
    this.#observer = null;
    this.#counts.clear();
    this.#pauseMs = 0;
  }

  /** Counts and begins anew. */
  read(): GcMetrics {
    const counts = this.#counts;
    const gcPause = this.#pauseMs;
    this.#counts = new Map();
    this.#pauseMs = 0;
    return {
      minorGcs: counts.get('minorGcs') ?? 0,
      majorGcs: counts.get('majorGcs') ?? 0,
      incrementalMarkings: counts.get('incrementalMarkings') ?? 0,
      weakCallbackProcessing: counts.get('weakCallbackProcessing') ?? 0,
      gcPause,
      ...(this.#usedHeapBytes === null ? {} : { usedHeapSizeAfterGc: this.#usedHeapBytes }),
      statsSupported: true,
    };
  }

  #count(entry: { duration: number; detail?: unknown }): void {
    this.#pauseMs += entry.duration;
    const { kind } = (entry.detail ?? {}) as { kind?: number };
    const counter = kind === undefined ? undefined : counters.get(kind);
    if (counter !== undefined) this.#counts.set(counter, (this.#counts.get(counter) ?? 0) + 1);
  }
}
