// How late the event loop was: measured on this very loop, which the tests block.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { EventLoopDelayGauge } from '../../../../src/metrics/gauges/event-loop-delay.js';
import type { Reading } from '../../../../src/metrics/reading.js';
import { waitUntil } from '../../../support/agent/wait-until.js';
import { blockLoop } from '../../../support/block-loop.js';
import { byName, numberIn } from '../sources.js';

interface Watch {
  /** Reads until there is a reading for which the condition holds, and returns it. */
  readingWhere(what: string, condition: (delay: (name: string) => number) => boolean): Promise<Map<string, Reading>>;
  readonly gauge: EventLoopDelayGauge;
}

function delayIn(read: Map<string, Reading>): (name: string) => number {
  return (name) => numberIn(read, `nodejs.eventloop.delay.${name}`) ?? Number.NaN;
}

function watch(t: TestContext): Watch {
  const gauge = new EventLoopDelayGauge();
  t.after(() => gauge.stop());
  return {
    gauge,
    readingWhere: async (what, condition) => {
      let read = new Map<string, Reading>();
      await waitUntil(() => {
        const next = byName(gauge.read());
        if (next.size > 0) read = next;
        return next.size > 0 && condition(delayIn(next));
      }, what);
      return read;
    },
  };
}

test('knows nothing before the loop has come round', (t) => {
  assert.deepEqual(watch(t).gauge.read(), []);
});

test('reads each statistic once, in their order of size', async (t) => {
  const { readingWhere } = watch(t);
  const read = await readingWhere('a reading', () => true);
  assert.deepEqual(
    [...read.keys()],
    ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map((name) => `nodejs.eventloop.delay.${name}`),
  );
  const delay = delayIn(read);
  const ascending = ['min', 'p50', 'p90', 'p99', 'max'].map(delay);
  assert.deepEqual(
    ascending,
    [...ascending].sort((one, other) => one - other),
  );
  assert.ok(
    delay('min') >= 0 && delay('stddev') >= 0 && delay('mean') >= delay('min') && delay('mean') <= delay('max'),
  );
});

test('leaves out the time between two wake-ups', async (t) => {
  // 0.1 s lie between two wake-ups: with that time, no delay would ever be less.
  const read = await watch(t).readingWhere('a loop that is nearly on time', (delay) => delay('min') < 0.09);
  assert.ok(delayIn(read)('min') >= 0);
});

test('reads how long the loop was blocked, and forgets it with the reading', async (t) => {
  const { readingWhere } = watch(t);
  await readingWhere('a turn of the loop', () => true);
  await comeRound();
  blockLoop(700);
  await comeRound();
  const blocked = await readingWhere('a reading of the block', (delay) => delay('max') > 0.3);
  const delay = delayIn(blocked);
  // A wake-up was due within 0.1 s of the block's begin, so it came at least 0.6 s late; the histogram rounds to 0.1 %.
  assert.ok(delay('max') >= 0.59 && delay('p99') >= 0.59, `max ${delay('max')} s, p99 ${delay('p99')} s`);
  await readingWhere('a reading without the block', (later) => later('max') < 0.3);
});

test('reads nothing after it was stopped', async (t) => {
  const { gauge, readingWhere } = watch(t);
  await readingWhere('a turn of the loop', () => true);
  gauge.stop();
  gauge.read();
  const other = watch(t);
  await other.readingWhere('a reading of the other gauge', () => true);
  assert.deepEqual(gauge.read(), []);
});

/** A histogram that was reset measures from the next wake-up to the one after it, so no reading may lie between them. */
async function comeRound(): Promise<void> {
  const witness = new EventLoopDelayGauge();
  await waitUntil(() => witness.read().length > 0, 'a turn of the loop');
  witness.stop();
}
