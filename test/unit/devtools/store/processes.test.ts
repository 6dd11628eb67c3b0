// Announced processes and their merged metrics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessStore } from '../../../../src/devtools/store/processes.js';

function storeAt(startMs: number): { store: ProcessStore; clock: { nowMs: number } } {
  const clock = { nowMs: startMs };
  return { store: new ProcessStore(() => clock.nowMs), clock };
}

test('keeps a point a second with all deltas merged', () => {
  const { store, clock } = storeAt(10_000);
  store.announce(1, {});
  store.merge(1, { pid: 1, memory: { rss: 1, heapUsed: 2 }, libuv: { lag: 0 } });
  clock.nowMs += 1000;
  store.merge(1, { memory: { rss: 5 } });
  clock.nowMs += 100;
  store.merge(1, { libuv: { lag: 7 } });
  assert.deepEqual(store.points(1, 0), [
    { timeMs: 10_000, memory: { rss: 1, heapUsed: 2 }, libuv: { lag: 0 } },
    { timeMs: 11_000, memory: { rss: 5, heapUsed: 2 }, libuv: { lag: 7 } },
  ]);
  assert.equal(store.points(1, 11_000)?.length, 1);
});

test('clears members that have gone with the next full payload', () => {
  const { store } = storeAt(0);
  store.announce(1, {});
  store.merge(1, { pid: 1, name: 'a', healthchecks: { db: { healthy: 1 } } });
  store.merge(1, { pid: 1, name: 'a', memory: { rss: 1 } });
  assert.deepEqual(store.view(1)?.metrics, { memory: { rss: 1 } });
});

test('takes metrics in the shape of the Python sensors', () => {
  const { store } = storeAt(0);
  store.announce(1, { name: '/usr/bin/python3', args: ['/srv/app.py'] });
  assert.equal(store.view(1)?.name, 'app.py');
  store.merge(1, {
    pid: 1,
    snapshot: { name: 'shop', version: '3.6' },
    metrics: { ru_utime: 0.5, gc: { collect0: 1 } },
  });
  store.merge(1, { pid: 1, snapshot: null, metrics: { ru_utime: 0.7 } });
  assert.deepEqual(store.view(1)?.snapshot, { name: 'shop', version: '3.6' });
  assert.deepEqual(store.view(1)?.metrics, { ru_utime: 0.7, gc: { collect0: 1 } });
  assert.equal(store.serviceName(1), 'shop');
});

test('names a process after its script, not after a module it preloads', () => {
  const { store } = storeAt(0);
  store.announce(1, {
    name: '/usr/bin/node',
    args: ['-r', '/x/bootstrap.js', '--flag', '/srv/server.js', 'data.json'],
  });
  assert.equal(store.view(1)?.name, 'server.js');
});

test('is bounded in processes, points and members', () => {
  const { store, clock } = storeAt(0);
  for (let pid = 1; pid <= 600; pid++) store.announce(pid, {});
  assert.equal(store.views().length, 500);
  for (let second = 0; second < 2000; second++) {
    clock.nowMs += 1000;
    store.merge(600, Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`m${second * 20 + index}`, 1])));
  }
  assert.ok((store.points(600, 0)?.length ?? 0) <= 900);
  assert.ok(Object.keys(store.view(600)?.metrics ?? {}).length <= 10_000);
});
