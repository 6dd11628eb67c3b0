// Measures whether the heap that remains after major collections keeps growing, as it does with a leak.

const windowMs = 10 * 60 * 1000;
/** Collections within this time make one sample, so that the number of samples is bounded. */
const sampleEveryMs = 1000;

interface Sample {
  readonly timeMs: number;
  readonly bytes: number;
}

/** The used heap right after major collections of the last ten minutes. */
export class HeapGrowth {
  #samples: Sample[] = [];

  /** Keeps the lowest value of a burst: the next collection may free what the last one left. */
  add(timeMs: number, bytes: number): void {
    this.#forget(timeMs);
    const last = this.#samples.at(-1);
    if (last === undefined || timeMs - last.timeMs >= sampleEveryMs) this.#samples.push({ timeMs, bytes });
    else if (bytes < last.bytes) this.#samples[this.#samples.length - 1] = { timeMs: last.timeMs, bytes };
  }

  /** Growth in bytes per second by least squares; 0 with fewer than two samples. */
  slope(nowMs: number): number {
    this.#forget(nowMs);
    const samples = this.#samples;
    if (samples.length < 2) return 0;
    const meanMs = mean(samples.map(({ timeMs }) => timeMs));
    const meanBytes = mean(samples.map(({ bytes }) => bytes));
    let covariance = 0;
    let variance = 0;
    for (const { timeMs, bytes } of samples) {
      covariance += (timeMs - meanMs) * (bytes - meanBytes);
      variance += (timeMs - meanMs) ** 2;
    }
    return (covariance / variance) * 1000;
  }

  #forget(nowMs: number): void {
    const from = this.#samples.findIndex(({ timeMs }) => nowMs - timeMs <= windowMs);
    if (from !== 0) this.#samples = from < 0 ? [] : this.#samples.slice(from);
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
