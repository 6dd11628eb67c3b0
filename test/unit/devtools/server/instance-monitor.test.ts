// Instances that stop reporting.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Alert, AlertEvaluator } from '../../../../src/devtools/alerts/alert-evaluator.js';
import { InstanceMonitor } from '../../../../src/devtools/server/instance-monitor.js';
import { OtlpReceiver } from '../../../../src/devtools/server/otlp-receiver.js';
import type { AgentStores } from '../../../../src/devtools/server/stores.js';
import { InstanceStore } from '../../../../src/devtools/store/instances.js';
import { ProcessStore } from '../../../../src/devtools/store/processes.js';
import { TraceStore } from '../../../../src/devtools/store/traces.js';
import { becomesTrue, waitUntil } from '../../../support/agent/wait-until.js';
import { gauge, metricsDocument } from '../otlp-documents.js';

const cpu = 'process.runtime.nodejs.cpu.utilization';
const minute = 60_000;

test('closes the alerts of a silent instance, removes it after ten minutes, and then stops', async () => {
  const clock = { offsetMs: 0 };
  const now = () => Date.now() + clock.offsetMs;
  const processes = new ProcessStore();
  const changes: Alert['state'][] = [];
  const stores: AgentStores = {
    processes,
    traces: new TraceStore(processes, 100, 1e6),
    instances: new InstanceStore(now),
    alerts: new AlertEvaluator({ windowScale: 0.001, onChange: ({ state }) => changes.push(state) }),
  };
  const vanished: (number | null)[] = [];
  const listener = {
    instanceAppeared: () => {},
    instanceVanished: ({ pid }: { pid: number | null }) => vanished.push(pid),
    tracesReceived: () => {},
  };
  const receiver = new OtlpReceiver(stores, listener, now);
  const monitor = new InstanceMonitor(stores, receiver, 5);
  monitor.start();
  monitor.start();
  const value = metricsDocument({ 'service.name': 'shop', 'process.pid': 7 }, [gauge(cpu, 0.99)]);
  await waitUntil(() => {
    receiver.receiveMetrics({ accepted: true, bytes: 1, value });
    return changes.length > 0;
  }, 'an alert');
  await waitUntil(() => changes.length === 2, 'the end of the alert');
  assert.deepEqual([changes, stores.instances.size], [['open', 'closed'], 1]);
  clock.offsetMs = 9 * minute;
  assert.deepEqual(vanished, []);
  clock.offsetMs = 10 * minute + 1;
  await waitUntil(() => stores.instances.size === 0, 'the removal');
  assert.deepEqual(vanished, [7]);
  // The monitor has stopped, so a silent instance stays until the monitor starts again.
  stores.instances.register({ 'process.pid': 8 });
  clock.offsetMs = 30 * minute;
  assert.ok(!(await becomesTrue(() => stores.instances.size === 0, 30)));
  monitor.start();
  await waitUntil(() => stores.instances.size === 0, 'the removal of the second');
});
