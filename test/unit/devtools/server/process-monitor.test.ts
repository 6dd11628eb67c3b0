// Announced processes seen from outside.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { ProcessMonitor } from '../../../../src/devtools/server/process-monitor.js';
import { ProcessStore } from '../../../../src/devtools/store/processes.js';

function storeAt(startMs: number): { store: ProcessStore; clock: { nowMs: number } } {
  const clock = { nowMs: startMs };
  return { store: new ProcessStore(() => clock.nowMs), clock };
}

test('sees CPU and memory of a process from outside', async () => {
  const { store, clock } = storeAt(1_000_000);
  store.announce(process.pid, {});
  const monitor = new ProcessMonitor(
    store,
    () => {},
    () => clock.nowMs,
  );
  await monitor.sample();
  monitor.stop();
  const outside = store.view(process.pid)?.outside;
  assert.ok((outside?.rssBytes ?? 0) > 1_000_000);
  assert.ok((outside?.cpuPercent ?? -1) >= 0);
});

test('drops a process that has ended, and one not heard of for a minute', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const { store, clock } = storeAt(1_000_000);
  const childPid = Number(child.pid);
  store.announce(childPid, {});
  store.announce(process.pid, {});
  store.configureService(childPid, 'shop');
  const dropped: number[] = [];
  const monitor = new ProcessMonitor(
    store,
    (pid) => dropped.push(pid),
    () => clock.nowMs,
  );
  await monitor.sample();
  assert.deepEqual(dropped, [], 'a pid of another namespace is not known here either');
  clock.nowMs += 16_000;
  await monitor.sample();
  assert.deepEqual(dropped, [childPid]);
  clock.nowMs += 60_000;
  await monitor.sample();
  assert.deepEqual(dropped, [childPid, process.pid]);
  assert.equal(store.serviceName(childPid), 'shop', 'its traces keep its name');
  monitor.stop();
});
