// A wait that can be ended early.
import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock, type Timer, type Timers } from '../../../src/core/clock.js';
import { Sleeper } from '../../../src/core/sleeper.js';

/** Timers that fire when a test says so. */
class ManualTimers implements Timers {
  readonly pending: Map<Timer, { readonly callback: () => void; readonly delayMs: number; isUnref: boolean }> =
    new Map();

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer: Timer = {
      unref: () => {
        const entry = this.pending.get(timer);
        if (entry !== undefined) entry.isUnref = true;
        return timer;
      },
    };
    this.pending.set(timer, { callback, delayMs, isUnref: false });
    return timer;
  }

  clearTimeout(timer: Timer): void {
    this.pending.delete(timer);
  }

  now(): number {
    return 0;
  }

  fire(): void {
    const [[timer, entry] = []] = this.pending;
    if (timer !== undefined) this.pending.delete(timer);
    entry?.callback();
  }
}

/** Whether a promise is settled; a turn of the microtasks lies in between. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await Promise.resolve();
  await Promise.resolve();
  return settled;
}

test('ends after its time, by a timer that does not hold the process', async () => {
  const timers = new ManualTimers();
  const slept = new Sleeper(timers).sleep(500);
  assert.deepEqual(
    [...timers.pending.values()].map(({ delayMs, isUnref }) => ({ delayMs, isUnref })),
    [{ delayMs: 500, isUnref: true }],
  );
  assert.equal(await isSettled(slept), false);
  timers.fire();
  assert.equal(await isSettled(slept), true);
});

test('ends early when it is woken, and leaves no timer', async () => {
  const timers = new ManualTimers();
  const sleeper = new Sleeper(timers);
  const slept = sleeper.sleep(500);
  sleeper.wake();
  assert.equal(await isSettled(slept), true);
  assert.equal(timers.pending.size, 0);
});

test('without an end needs no timer, and waits to be woken', async () => {
  const timers = new ManualTimers();
  const sleeper = new Sleeper(timers);
  const slept = sleeper.sleep(Number.POSITIVE_INFINITY);
  assert.equal(timers.pending.size, 0);
  assert.equal(await isSettled(slept), false);
  sleeper.wake();
  assert.equal(await isSettled(slept), true);
});

test('a wake-up without a sleeper is not kept for the next sleep', async () => {
  const timers = new ManualTimers();
  const sleeper = new Sleeper(timers);
  sleeper.wake();
  const first = sleeper.sleep(1);
  assert.equal(await isSettled(first), false);
  timers.fire();
  await first;
  sleeper.wake();
  const second = sleeper.sleep(1);
  assert.equal(await isSettled(second), false);
  sleeper.wake();
  await second;
});

test('uses the timers and the clock that were there before the application replaced them', async (t) => {
  for (const name of ['setTimeout', 'clearTimeout'] as const)
    t.mock.method(globalThis, name, () => assert.fail(`${name} of the application was called`));
  t.mock.method(performance, 'now', () => assert.fail('the clock of the application was read'));
  const before = systemClock.now();
  let isOver = false;
  const timer = systemClock.setTimeout(() => {
    isOver = true;
  }, 0);
  systemClock.clearTimeout(timer);
  await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, 1));
  assert.equal(isOver, false);
  assert.ok(systemClock.now() > before);
});
