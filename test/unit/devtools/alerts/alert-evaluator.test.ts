// When events open and close, with the time handed in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Alert, AlertEvaluator } from '../../../../src/devtools/alerts/alert-evaluator.js';
import type { OtlpPoint } from '../../../../src/devtools/otlp/read-metrics.js';
import { type Instance, InstanceStore } from '../../../../src/devtools/store/instances.js';
import { healthRules } from '../../../../src/protocol/health-rules.js';
import { findMetric, metricScope } from '../../../../src/protocol/metric-registry.js';

const cpu = 'process.runtime.nodejs.cpu.utilization';
const highCpu = 'High CPU Utilization in Node.js Application';
const minute = 60_000;

function point(name: string, value: number, parts: Partial<OtlpPoint> = {}): OtlpPoint {
  const { kind = 'gauge', unit = '1' } = findMetric(name) ?? {};
  return { name, scope: metricScope, kind, temporality: null, unit, attributes: {}, timeMs: null, value, ...parts };
}

class Bench {
  nowMs = 1_000_000;
  readonly changes: Alert[] = [];
  readonly watch: AlertEvaluator;
  readonly #store = new InstanceStore(() => this.nowMs);

  constructor(windowScale: number = 1) {
    this.watch = new AlertEvaluator({ windowScale, onChange: (alert) => this.changes.push(alert) });
  }

  instance(pid: number = 1): Instance {
    return this.#store.register({ 'service.name': 'shop', 'service.instance.id': `web:${pid}`, 'process.pid': pid });
  }

  /** A report with these values every ten seconds. */
  report(forMs: number, values: Readonly<Record<string, number>>, instance: Instance = this.instance()): void {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; ) {
      this.nowMs += 10_000;
      for (const [name, value] of Object.entries(values)) this.watch.record(instance, point(name, value), this.nowMs);
      this.watch.evaluate(instance, this.nowMs);
    }
  }

  states(): string[] {
    return this.changes.map(({ name, state }) => `${name.replace(' in Node.js Application', '')} ${state}`);
  }
}

test('opens when the average of the window is above, and closes when it no longer is', () => {
  const bench = new Bench();
  bench.report(5 * minute, { [cpu]: 0.1 });
  bench.report(4 * minute, { [cpu]: 0.9 });
  assert.deepEqual(bench.states(), [], '0.1 for one minute of five and 0.9 for four is 0.74');
  bench.report(minute, { [cpu]: 0.9 });
  const [opened] = bench.changes;
  const { openedMs, values, ...rest } = opened ?? {};
  assert.ok(Number(values?.[cpu]) > 0.8);
  assert.ok(Number(openedMs) > 1_000_000 + 9 * minute);
  assert.deepEqual(rest, {
    id: 1,
    name: highCpu,
    severity: 'critical',
    state: 'open',
    service: 'shop',
    instanceId: 'web:1',
    pid: 1,
    closedMs: null,
    thresholds: { [cpu]: 0.8 },
    description: healthRules.find(({ name }) => name === highCpu)?.description,
  });
  bench.report(2 * minute, { [cpu]: 0.1 });
  assert.deepEqual(bench.states(), ['High CPU Utilization open', 'High CPU Utilization closed']);
  const [event, ...others] = bench.watch.alerts();
  assert.deepEqual([others, event?.state, event?.openedMs], [[], 'closed', openedMs]);
  assert.ok(Number(event?.closedMs) > Number(openedMs));
  assert.ok(Number(event?.values[cpu]) > 0.8, 'it shows what it was open for');
});

test('does not open on a peak at the start, nor on few values', () => {
  const bench = new Bench();
  bench.report(3 * minute, { [cpu]: 1 });
  assert.deepEqual(bench.states(), []);
  bench.report(minute, { [cpu]: 1 });
  assert.deepEqual(bench.states(), ['High CPU Utilization open']);
  const sparse = new Bench();
  const instance = sparse.instance();
  for (const at of [0, 4.5 * minute]) {
    sparse.watch.record(instance, point(cpu, 1), at);
    sparse.watch.evaluate(instance, at);
  }
  assert.deepEqual(sparse.states(), [], 'two values say nothing of what was between them');
});

test('takes a value above the threshold only: equal is not above', () => {
  const bench = new Bench();
  bench.report(10 * minute, { [cpu]: 0.8 });
  assert.deepEqual(bench.states(), []);
});

test('min holds only if it held all the time', () => {
  const heap = 'process.runtime.nodejs.heap.utilization';
  const bench = new Bench();
  bench.report(4 * minute, { [heap]: 0.95 });
  bench.report(10_000, { [heap]: 0.85 });
  assert.deepEqual(bench.states(), ['Heap Space Exhaustion open', 'Heap Space Exhaustion closed']);
  bench.report(5 * minute, { [heap]: 0.95 });
  assert.equal(bench.changes.length, 2);
  bench.report(minute, { [heap]: 0.95 });
  assert.equal(bench.states().at(-1), 'Heap Space Exhaustion open');
});

test('wants all conditions of a rule at the same time', () => {
  const growth = 'process.runtime.nodejs.heap.growth_rate';
  const heap = 'process.runtime.nodejs.heap.utilization';
  const bench = new Bench();
  bench.report(11 * minute, { [growth]: 200_000, [heap]: 0.3 });
  bench.report(11 * minute, { [growth]: 50_000, [heap]: 0.7 });
  assert.deepEqual(bench.states(), []);
  bench.report(11 * minute, { [growth]: 200_000, [heap]: 0.7 });
  assert.deepEqual(bench.states(), ['Memory Leak Detection open']);
  assert.deepEqual(Object.keys(bench.changes[0]?.values ?? {}), [growth, heap]);
});

test('closes when data stop for longer than the window', () => {
  const bench = new Bench();
  bench.report(5 * minute, { [cpu]: 1 });
  bench.watch.evaluateAll(bench.nowMs + 4 * minute);
  assert.deepEqual(bench.states(), ['High CPU Utilization open']);
  bench.watch.evaluateAll(bench.nowMs + 5 * minute + 1);
  assert.deepEqual(bench.states().at(-1), 'High CPU Utilization closed');
});

test('closes the events of an instance that is gone', () => {
  const bench = new Bench();
  bench.report(5 * minute, { [cpu]: 1 });
  bench.watch.drop(bench.instance(), bench.nowMs);
  assert.deepEqual(bench.states().at(-1), 'High CPU Utilization closed');
});

test('keeps instances of one service apart', () => {
  const bench = new Bench();
  for (let round = 0; round < 40; round++) {
    bench.report(10_000, { [cpu]: 0.95 }, bench.instance(1));
    bench.report(10_000, { [cpu]: 0.2 }, bench.instance(2));
  }
  assert.deepEqual(
    bench.watch.alerts().map(({ pid, state }) => [pid, state]),
    [[1, 'open']],
  );
});

test('heeds metrics of its own scope and kind without attributes only', () => {
  const bench = new Bench();
  const instance = bench.instance();
  const others: Partial<OtlpPoint>[] = [
    { scope: '@opentelemetry/instrumentation-runtime-node' },
    { kind: 'up-down-counter' },
    { attributes: { cpu: '0' } },
    { value: 'NaN' },
  ];
  for (let at = 0; at < 10 * minute; at += 10_000) {
    for (const parts of others) bench.watch.record(instance, point(cpu, 1, parts), at);
    bench.watch.evaluate(instance, at);
  }
  assert.deepEqual(bench.states(), []);
});

test('scales its windows', () => {
  const bench = new Bench(0.5);
  bench.report(2 * minute, { [cpu]: 1 });
  assert.deepEqual(bench.states(), ['High CPU Utilization open']);
});

for (const { name, windowMs, conditions } of healthRules) {
  test(`opens "${name}" just above its thresholds, and not at them`, () => {
    const values = (change: (above: number) => number) =>
      Object.fromEntries(conditions.map(({ metric, above }) => [metric, change(above)]));
    const at = new Bench();
    at.report(
      windowMs * 2,
      values((above) => above),
    );
    assert.deepEqual(at.states(), []);
    const above = new Bench();
    above.report(
      windowMs * 2,
      values((threshold) => threshold * 1.01),
    );
    assert.deepEqual(above.states(), [`${name.replace(' in Node.js Application', '')} open`]);
  });
}

test('keeps a bounded number of events, the open ones longest, newest first', () => {
  const bench = new Bench();
  const forever = bench.instance(1);
  bench.report(5 * minute, { [cpu]: 1 }, forever);
  for (let pid = 2; pid < 600; pid++) {
    bench.report(5 * minute, { [cpu]: 1 }, bench.instance(pid));
    bench.watch.drop(bench.instance(pid), bench.nowMs);
  }
  const events = bench.watch.alerts();
  assert.equal(events.length, 500);
  assert.deepEqual([events[0]?.pid, events.at(-1)?.pid, events.at(-1)?.state], [599, 1, 'open']);
});
