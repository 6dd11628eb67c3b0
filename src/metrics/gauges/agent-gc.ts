// Counts garbage collections for the agent.
import type { GcMetrics } from '../../protocol/metrics-payload.js';
import type { Collection, GcObserver, GcType } from '../gc-observer.js';

/** Observes nothing until `start()`. */
export class AgentGcCounter {
  readonly #observer: GcObserver;
  #end: (() => void) | null = null;
  #counts: Map<GcType, number> = new Map();
  #pauseMs = 0;
  #usedHeapBytes: number | null = null;

  constructor(observer: GcObserver) {
    this.#observer = observer;
  }

  start(): void {
    this.#end ??= this.#observer.listen((collections, usedHeapBytes) => {
      for (const collection of collections) this.#count(collection);
      this.#usedHeapBytes = usedHeapBytes;
    });
  }

  stop(): void {
    this.#end?.();
    this.#end = null;
    this.#counts.clear();
    this.#pauseMs = 0;
  }

  /** Returns the counts since the last read and resets them. */
  read(): GcMetrics {
    const counts = this.#counts;
    const gcPause = this.#pauseMs;
    this.#counts = new Map();
    this.#pauseMs = 0;
    return {
      minorGcs: counts.get('minor') ?? 0,
      majorGcs: counts.get('major') ?? 0,
      incrementalMarkings: counts.get('incremental') ?? 0,
      weakCallbackProcessing: counts.get('weakcb') ?? 0,
      gcPause,
      ...(this.#usedHeapBytes === null ? {} : { usedHeapSizeAfterGc: this.#usedHeapBytes }),
      statsSupported: true,
    };
  }

  #count({ type, durationMs }: Collection): void {
    this.#pauseMs += durationMs;
    if (type !== null) this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1);
  }
}
