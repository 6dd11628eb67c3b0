// The values of the last minutes of one series, in so few parts that any number of them takes the same room.
import type { RuleAggregation } from '../../protocol/health-rules.js';

interface Part {
  readonly firstMs: number;
  lastMs: number;
  sum: number;
  count: number;
  min: number;
  max: number;
}

const parts = 120;

/** Values come in the order of time. */
export class SlidingWindow {
  readonly #lengthMs: number;
  #parts: Part[] = [];

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  add(timeMs: number, value: number): void {
    const last = this.#parts.at(-1);
    if (last === undefined || timeMs - last.firstMs >= this.#lengthMs / parts) {
      this.#parts.push({ firstMs: timeMs, lastMs: timeMs, sum: value, count: 1, min: value, max: value });
      return;
    }
    last.lastMs = timeMs;
    last.sum += value;
    last.count++;
    last.min = Math.min(last.min, value);
    last.max = Math.max(last.max, value);
  }

  /** Forgets what is older than the window. */
  slide(nowMs: number): void {
    const oldestMs = nowMs - this.#lengthMs;
    const kept = this.#parts.findIndex(({ lastMs }) => lastMs >= oldestMs);
    if (kept !== 0) this.#parts = kept < 0 ? [] : this.#parts.slice(kept);
  }

  /** Values that are in the window. */
  get count(): number {
    return this.#parts.reduce((sum, { count }) => sum + count, 0);
  }

  /** Time between the first and the last value. */
  get spanMs(): number {
    return (this.#parts.at(-1)?.lastMs ?? 0) - (this.#parts[0]?.firstMs ?? 0);
  }

  /** The values as one, `null` when there are none. */
  aggregate(aggregation: RuleAggregation): number | null {
    if (this.#parts.length === 0) return null;
    if (aggregation === 'min') return Math.min(...this.#parts.map(({ min }) => min));
    if (aggregation === 'max') return Math.max(...this.#parts.map(({ max }) => max));
    return this.#parts.reduce((sum, part) => sum + part.sum, 0) / this.count;
  }
}
