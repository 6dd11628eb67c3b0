// The resources that keep the event loop alive, by type.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import test from 'node:test';
import { ActiveResourcesGauge } from '../../../../src/metrics/gauges/active-resources.js';
import { waitUntil } from '../../../support/agent/wait-until.js';
import { byName, numbersIn } from '../sources.js';

const read = (gauge: ActiveResourcesGauge): Record<string, number> =>
  numbersIn(byName(gauge.read()), 'v8js.resource.active');

test('counts as Node.js does, by type', (t) => {
  const timers = Array.from({ length: 3 }, () => setTimeout(() => {}, 60_000));
  t.after(() => timers.forEach(clearTimeout));
  const counts: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) counts[type] = (counts[type] ?? 0) + 1;
  assert.deepEqual(read(new ActiveResourcesGauge()), counts);
  assert.ok((counts['Timeout'] ?? 0) >= 3);
});

test('reads 0 for a type that has gone, and nothing for types that never were', () => {
  const gauge = new ActiveResourcesGauge();
  const timer = setTimeout(() => {}, 60_000);
  const before = read(gauge);
  clearTimeout(timer);
  const after = read(gauge);
  assert.ok((before['Timeout'] ?? 0) >= 1);
  assert.equal(after['Timeout'], (before['Timeout'] ?? 0) - 1);
  assert.equal('TCPServerWrap' in after, false);
});

test('keeps the series of a type after its last resource has gone', async () => {
  const gauge = new ActiveResourcesGauge();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  assert.equal(read(gauge)['TCPServerWrap'], 1);
  await new Promise((resolve) => server.close(resolve));
  await waitUntil(() => !process.getActiveResourcesInfo().includes('TCPServerWrap'), 'the end of the handle');
  for (let round = 0; round < 3; round++) assert.equal(read(gauge)['TCPServerWrap'], 0);
});
