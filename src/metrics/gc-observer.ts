// Hears of garbage collections once for all who count them.
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { InternalErrors } from '../core/internal-errors.js';

export type GcType = 'minor' | 'major' | 'incremental' | 'weakcb';
export const gcTypes: readonly GcType[] = ['minor', 'major', 'incremental', 'weakcb'];

/** V8's codes, as Node.js hands them on; 2 is the minor collection of newer V8 versions that marks and sweeps. */
const minorMarkSweep = 2;

const typesOfCodes: ReadonlyMap<number, GcType> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [minorMarkSweep, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

export interface Collection {
  /** Null for a code of a V8 to come. */
  readonly type: GcType | null;
  readonly durationMs: number;
}

/** Told of one or more collections, and how much of the heap was used a turn after the last of them. */
export type GcListener = (collections: readonly Collection[], usedHeapBytes: number) => void;

/** What an entry of Node.js has for us. */
interface GcEntry {
  readonly duration: number;
  readonly detail?: unknown;
}

/** Observes only while somebody listens. */
export class GcObserver {
  readonly #errors: InternalErrors;
  readonly #listeners: Set<GcListener> = new Set();
  #observer: PerformanceObserver | null = null;

  constructor(errors: InternalErrors) {
    this.#errors = errors;
  }

  /** Returns what ends it. */
  listen(listener: GcListener): () => void {
    this.#listeners.add(listener);
    if (this.#observer === null) this.#observe();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#observer?.disconnect();
      this.#observer = null;
    };
  }

  #observe(): void {
    this.#observer = new PerformanceObserver(
      this.#errors.quietly('garbage collection', (list) => this.#notify(list.getEntries())),
    );
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  #notify(entries: readonly GcEntry[]): void {
    // A turn after the collection, hence a little too much, for a microsecond rather than a native add-on.
    const usedHeapBytes = getHeapStatistics().used_heap_size;
    const collections = entries.map(describe);
    for (const listener of this.#listeners) listener(collections, usedHeapBytes);
  }
}

function describe({ duration, detail }: GcEntry): Collection {
  const { kind } = (detail ?? {}) as { kind?: number };
  return { type: (kind === undefined ? undefined : typesOfCodes.get(kind)) ?? null, durationMs: duration };
}
