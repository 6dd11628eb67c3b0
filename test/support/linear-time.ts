// Shows that work grows with its input and not with the square of it, on a machine of any speed.
import assert from 'node:assert/strict';

const length = 500_000;
/** What is linear takes some milliseconds. The square of the length is 2.5e11 steps, which takes minutes. */
const enoughMs = 10_000;

/** Runs `work`, which is to read texts of so many characters. */
export function assertLinearTime(work: (length: number) => void): void {
  const startMs = performance.now();
  work(length);
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < enoughMs, `${Math.round(tookMs)} ms for texts of ${length} characters`);
}
