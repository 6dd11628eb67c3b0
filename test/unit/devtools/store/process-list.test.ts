// Announced processes and instances of OTLP in one list.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InstanceStore } from '../../../../src/devtools/store/instances.js';
import { countProcesses, describeProcess, listProcesses } from '../../../../src/devtools/store/process-list.js';
import { ProcessStore } from '../../../../src/devtools/store/processes.js';

test('joins an instance with the announced process of its pid, and lists the others after it', () => {
  const clock = { nowMs: 1000 };
  const processes = new ProcessStore(() => clock.nowMs);
  const instances = new InstanceStore(() => clock.nowMs);
  processes.announce(1, { name: '/usr/bin/node', args: ['app.js'] });
  clock.nowMs = 2000;
  const joined = instances.register({ 'process.pid': 1, 'service.name': 'shop' });
  const other = instances.register({ 'process.pid': 2, 'service.name': 'stock' });
  const list = listProcesses(processes, instances);
  assert.deepEqual(
    list.map(({ pid, name, service, announcedMs, lastSeenMs }) => [pid, name, service, announcedMs, lastSeenMs]),
    [
      [1, 'app.js', 'pid 1', 1000, 2000],
      [2, 'stock', 'stock', null, 2000],
    ],
  );
  assert.deepEqual(list[0]?.otlp?.resource, { 'process.pid': 1, 'service.name': 'shop' });
  assert.equal(countProcesses(processes, instances), 2);
  assert.deepEqual(describeProcess(processes, instances, joined), list[0]);
  assert.deepEqual(describeProcess(processes, instances, other), list[1]);
});

test('prefers the instance of this sensor among several with one pid', () => {
  const processes = new ProcessStore();
  const instances = new InstanceStore();
  processes.announce(1, {});
  const foreign = instances.register({ 'process.pid': 1, 'host.name': 'a' });
  instances.register({ 'process.pid': 1, 'host.name': 'b', 'telemetry.sdk.name': 'instana-ts-sensor' });
  const [first, second] = listProcesses(processes, instances);
  assert.deepEqual([first?.otlp?.resource['host.name'], second?.otlp?.resource['host.name']], ['b', 'a']);
  assert.equal(describeProcess(processes, instances, foreign).announcedMs, null);
  assert.equal(countProcesses(processes, instances), 2);
});

test('names an instance by its service, else by its pid, else by its id', () => {
  const processes = new ProcessStore();
  const instances = new InstanceStore();
  instances.register({ 'service.name': 'shop', 'process.pid': 1 });
  instances.register({ 'process.pid': 2 });
  instances.register({ 'service.instance.id': 'web-1' });
  instances.register({});
  assert.deepEqual(
    listProcesses(processes, instances).map(({ name, service }) => [name, service]),
    [
      ['shop', 'shop'],
      ['pid 2', 'pid 2'],
      ['web-1', 'web-1'],
      ['unknown', 'unknown'],
    ],
  );
});
