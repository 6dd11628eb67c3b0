// Shares one observer of garbage collections among all listeners.
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { InternalErrors } from '../core/internal-errors.js';

export type GcType = 'minor' | 'major' | 'incremental' | 'weakcb';
export const gcTypes: readonly GcType[] = ['minor', 'major', 'incremental', 'weakcb'];

/** V8's code for the minor mark-sweep collection of newer versions; Node.js has no constant for it. */
const minorMarkSweep = 2;

const typesOfCodes: ReadonlyMap<number, GcType> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [minorMarkSweep, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

export interface Collection {
  /** Null for an unknown code, which a future V8 may use. */
  readonly type: GcType | null;
  readonly durationMs: number;
}

/** Receives one or more collections, and the heap in use one turn of the event loop after the last of them. */
export type GcListener = (collections: readonly Collection[], usedHeapBytes: number) => void;

/** The members used here of Node.js' performance entries. */
interface GcEntry {
  readonly duration: number;
  readonly detail?: unknown;
}

/** Observes only while it has listeners. */
export class GcObserver {
  readonly #errors: InternalErrors;
  readonly #listeners: Set<GcListener> = new Set();
  #observer: PerformanceObserver | null = null;

  constructor(errors: InternalErrors) {
    this.#errors = errors;
  }

  /** Returns a function that removes the listener. */
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
    // Read one turn after the collection, so slightly too high. It takes a microsecond and needs no native add-on.
    const usedHeapBytes = getHeapStatistics().used_heap_size;
    const collections = entries.map(describe);
    for (const listener of this.#listeners) listener(collections, usedHeapBytes);
  }
}

function describe({ duration, detail }: GcEntry): Collection {
  const { kind } = (detail ?? {}) as { kind?: number };
  return { type: (kind === undefined ? undefined : typesOfCodes.get(kind)) ?? null, durationMs: duration };
}
