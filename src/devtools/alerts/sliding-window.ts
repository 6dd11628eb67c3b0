// The recent values of one series, aggregated in a fixed number of parts so that memory does not depend on the number of values.
import type { RuleAggregation } from '../../protocol/health-rules.js';

interface Part {
  readonly firstMs: number;
  lastMs: number;
  sum: number;
  count: number;
  min: number;
  max: number;
}

const maxParts = 120;

/** Values of the last `lengthMs`; add them in the order of time. */
export class SlidingWindow {
  readonly #lengthMs: number;
  #parts: Part[] = [];

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  add(timeMs: number, value: number): void {
    const last = this.#parts.at(-1);
    if (last === undefined || timeMs - last.firstMs >= this.#lengthMs / maxParts) {
      this.#parts.push({ firstMs: timeMs, lastMs: timeMs, sum: value, count: 1, min: value, max: value });
      return;
    }
    last.lastMs = timeMs;
    last.sum += value;
    last.count++;
    last.min = Math.min(last.min, value);
    last.max = Math.max(last.max, value);
  }

  /** Removes values that are older than the window. */
  slide(nowMs: number): void {
    const oldestMs = nowMs - this.#lengthMs;
    const kept = this.#parts.findIndex(({ lastMs }) => lastMs >= oldestMs);
    if (kept !== 0) this.#parts = kept < 0 ? [] : this.#parts.slice(kept);
  }

  /** Number of values in the window. */
  get count(): number {
    return this.#parts.reduce((sum, { count }) => sum + count, 0);
  }

  /** Time between the first and the last value. */
  get spanMs(): number {
    return (this.#parts.at(-1)?.lastMs ?? 0) - (this.#parts[0]?.firstMs ?? 0);
  }

  /** The aggregate of all values, `null` if there are none. */
  aggregate(aggregation: RuleAggregation): number | null {
    if (this.#parts.length === 0) return null;
    if (aggregation === 'min') return Math.min(...this.#parts.map(({ min }) => min));
    if (aggregation === 'max') return Math.max(...this.#parts.map(({ max }) => max));
    return this.#parts.reduce((sum, part) => sum + part.sum, 0) / this.count;
  }
}
