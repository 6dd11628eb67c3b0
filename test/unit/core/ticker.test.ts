// One timer a second for all who listen.
import assert from 'node:assert/strict';
import test from 'node:test';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { Ticker } from '../../../src/core/ticker.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { blockLoop } from '../../support/block-loop.js';

/** Active timers of every kind; those that do not hold the process are not among them. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

const makeTicker = (): Ticker => new Ticker(new InternalErrors(new Log('off')));

test('calls all listeners in one turn; the error of one is counted and does not stop the others', async () => {
  const errors = new InternalErrors(new Log('off'));
  const ticker = new Ticker(errors);
  const seen: string[] = [];
  const ends = [
    ticker.listen('first', () => {
      seen.push('first');
      queueMicrotask(() => seen.push('turn over'));
      throw new Error('of the first');
    }),
    ticker.listen('second', (lateMs) => seen.push(lateMs >= 0 ? 'second' : 'early')),
  ];
  await waitUntil(() => seen.length >= 3, 'calls of both listeners');
  for (const end of ends) end();
  assert.deepEqual(seen, ['first', 'second', 'turn over']);
  assert.deepEqual(errors.counts(), { first: 1 });
});

test('passes how late it is', async () => {
  const ticker = makeTicker();
  const late: number[] = [];
  const end = ticker.listen('late', (lateMs) => late.push(lateMs));
  blockLoop(1300); // a tick is due after 1000 ms
  await waitUntil(() => late.some((lateMs) => lateMs < 250), 'a tick that is less late');
  end();
  assert.ok((late[0] ?? 0) >= 290, `${late}`);
});

test('does not keep the process alive, and calls no listener that has ended', async () => {
  const ticker = makeTicker();
  const before = timers();
  const calls = { first: 0, second: 0 };
  const endFirst = ticker.listen('first', () => calls.first++);
  const endSecond = ticker.listen('second', () => calls.second++);
  assert.equal(timers(), before);
  endFirst();
  endFirst();
  await waitUntil(() => calls.second === 1, 'a call of the second listener');
  endSecond();
  // A ticker that starts now is due after the one that has ended would have been.
  let isWitnessed = false;
  const endWitness = makeTicker().listen('witness', () => {
    isWitnessed = true;
  });
  await waitUntil(() => isWitnessed, 'the tick of the witness');
  endWitness();
  assert.deepEqual(calls, { first: 0, second: 1 });
});
