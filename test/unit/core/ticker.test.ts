import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { Ticker } from '../../../src/core/ticker.js';

/** Timers that are active, of whatever kind. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

test('tells all who listen in one turn, a listener that throws only of its own fault', async () => {
  const faults = new InternalErrors(new Log('off'));
  const beat = new Ticker(faults);
  const seen: string[] = [];
  const ends = [
    beat.listen('first', () => {
      seen.push('first');
      queueMicrotask(() => seen.push('turn over'));
      throw new Error('of the first');
    }),
    beat.listen('second', (lateMs) => seen.push(lateMs >= 0 ? 'second' : 'early')),
  ];
  while (seen.length < 3) await sleep(20);
  for (const end of ends) end();
  assert.deepEqual(seen, ['first', 'second', 'turn over']);
  assert.deepEqual(faults.counts(), { first: 1 });
});

test('tells how late it is', async () => {
  const beat = new Ticker(new InternalErrors(new Log('off')));
  const late: number[] = [];
  const end = beat.listen('late', (lateMs) => late.push(lateMs));
  await sleep(900);
  for (const until = performance.now() + 400; performance.now() < until; );
  while (late.length < 2) await sleep(20);
  end();
  assert.ok((late[0] ?? 0) > 200, `${late}`);
  assert.ok((late[1] ?? 0) < (late[0] ?? 0), `${late}`);
});

test('does not keep the process alive, and tells nobody who has ended', async () => {
  const beat = new Ticker(new InternalErrors(new Log('off')));
  const before = timers();
  let told = 0;
  const endFirst = beat.listen('first', () => told++);
  const endSecond = beat.listen('second', () => told++);
  assert.equal(timers(), before); // those that hold nothing are not listed
  endFirst();
  endFirst();
  await sleep(1100);
  assert.equal(told, 1);
  endSecond();
  await sleep(1100);
  assert.equal(told, 1);
});
