// Work in its own context, and a loop that survives its errors.
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { keepRunning, OwnContext } from '../../../src/export/background.js';
import { FakeTimers } from '../agent/support.js';

test('runs work in the context in which it was made, whatever request causes it', () => {
  const storage = new AsyncLocalStorage<string>();
  const errors = new InternalErrors(new Log('off'));
  const context = storage.run('sensor', () => new OwnContext('Test', 'place', errors));
  const seen: (string | undefined)[] = [];
  storage.run('request', () => {
    context.run(() => void seen.push(storage.getStore()));
    seen.push(storage.getStore());
  });
  assert.deepEqual(seen, ['sensor', 'request']);
});

test('counts an error of the work and does not throw it', () => {
  const errors = new InternalErrors(new Log('off'));
  const context = new OwnContext('Test', 'place', errors);
  let isNotified = false;
  const fail = (): void => {
    throw new Error('broken');
  };
  context.run(fail);
  context.run(fail, () => {
    isNotified = true;
  });
  assert.equal(isNotified, true);
  assert.deepEqual(errors.counts(), { place: 2 });
});

test('a loop begins again ten seconds after an error, until it is over', async () => {
  const errors = new InternalErrors(new Log('off'));
  const timers = new FakeTimers();
  let runs = 0;
  const loop = keepRunning({
    place: 'loop',
    errors,
    timers,
    isOver: () => runs === 3,
    run: async () => {
      runs++;
      if (runs < 3) throw new Error('broken');
    },
  });
  await turn();
  assert.equal(runs, 1);
  assert.equal(timers.next(), 10_000);
  await turn();
  assert.equal(timers.next(), 10_000);
  await loop;
  assert.equal(runs, 3);
  assert.deepEqual(errors.counts(), { loop: 2 });
});
