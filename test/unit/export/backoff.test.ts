// The waits after failures, for each of the policies in use.
import assert from 'node:assert/strict';
import test from 'node:test';
import { announceBackoff } from '../../../src/agent/announce-cycle.js';
import { spanBackoff } from '../../../src/agent/connection.js';
import { Backoff, type BackoffPolicy } from '../../../src/export/backoff.js';

test('waits 1 s, then doubles to 10 s, each a little shortened at random', () => {
  const steady = new Backoff(
    announceBackoff,
    () => 0,
    () => 0,
  );
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map(() => steady.next()),
    [1000, 2000, 4000, 8000, 10_000, 10_000],
  );
  const shortened = new Backoff(
    announceBackoff,
    () => 0,
    () => 1,
  );
  assert.deepEqual([shortened.next(), shortened.next()], [800, 1600]);
});

test('tries at once after a loss and then each 1.5 s for a minute, but not in a tight circle', () => {
  let now = 0;
  const backoff = new Backoff(
    announceBackoff,
    () => now,
    () => 0,
  );
  for (let attempt = 0; attempt < 5; attempt++) backoff.next();
  now = 100_000;
  assert.equal(backoff.nextAfterDisconnect(), 0);
  assert.deepEqual(
    [1, 2, 3].map(() => backoff.next()),
    [1000, 1500, 1500],
  );
  now += 5000;
  assert.ok(backoff.nextAfterDisconnect() > 0);
  now += 60_001;
  assert.equal(backoff.nextAfterDisconnect(), 0);
  now += 60_001;
  assert.deepEqual(
    [1, 2, 3].map(() => backoff.next()),
    [1000, 2000, 4000],
  );
});

/** The waits of a policy without chance, after failures that ask for these times. */
function waits(policy: BackoffPolicy, retryAfterMs: readonly (number | null)[]): number[] {
  const backoff = new Backoff(
    policy,
    () => 0,
    () => 0,
  );
  return retryAfterMs.map((ms) => backoff.next(ms));
}

test('Retry-After lengthens a wait, within its limit, and shortens none', () => {
  const policy = { firstMs: 1000, maxMs: 8000, maxRetryAfterMs: 20_000 };
  assert.deepEqual(waits(policy, [3000, null, 1, 99_999, null, null]), [3000, 2000, 4000, 20_000, 8000, 8000]);
  assert.deepEqual(waits({ firstMs: 1000, maxMs: 8000 }, [3000, 3000]), [1000, 2000]);
});

test('Retry-After of an agent replaces the wait for spans, within its limits', () => {
  assert.deepEqual(waits(spanBackoff, [null, null, null, null]), [1000, 2000, 4000, 5000]);
  assert.deepEqual(waits(spanBackoff, [0, null, 2000, 2000, 99_999]), [1000, 2000, 2000, 2000, 60_000]);
});

test('counts failures until something is accepted', () => {
  const backoff = new Backoff({ firstMs: 10, maxMs: 40 }, () => 0);
  assert.deepEqual([backoff.next(), backoff.next(), backoff.failures], [10, 20, 2]);
  backoff.reset();
  assert.deepEqual([backoff.failures, backoff.next()], [0, 10]);
});

test('grows no further than its limit, however often it fails', () => {
  const backoff = new Backoff({ firstMs: 1, maxMs: 100 }, () => 0);
  for (let attempt = 0; attempt < 2000; attempt++) assert.ok(backoff.next() <= 100);
});
