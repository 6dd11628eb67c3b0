// Readings of the registry's metrics, on machines at hand and on others.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import type { Host } from '../../../src/metrics/host.js';
import { OtlpMeter } from '../../../src/metrics/otlp-meter.js';
import type { Reading } from '../../../src/metrics/reading.js';
import { findMetric, metricRegistry } from '../../../src/protocol/metric-registry.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { machines, makeMachine } from './machines.js';
import { byName, ManualGcObserver, numberIn, numbersIn } from './sources.js';

interface Watch {
  readonly meter: OtlpMeter;
  readonly errors: InternalErrors;
  readonly gc: ManualGcObserver;
  /** Moves the clock and reads. */
  readAfter(seconds: number): Map<string, Reading>;
  /** The same, once the delay of the event loop is known. */
  readAll(): Promise<Map<string, Reading>>;
}

function watch(t: TestContext, host?: Host): Watch {
  const errors = new InternalErrors(new Log('off'));
  const gc = new ManualGcObserver();
  let tick = 1_000_000;
  const meter = new OtlpMeter({
    errors,
    gc,
    now: () => tick,
    wallClock: Date.now,
    ...(host === undefined ? {} : { host }),
  });
  meter.start();
  t.after(() => meter.stop());
  const readAfter = (seconds: number): Map<string, Reading> => {
    tick += seconds * 1000;
    return byName(meter.read()?.readings ?? []);
  };
  const readAll = async (): Promise<Map<string, Reading>> => {
    let read = readAfter(10);
    await waitUntil(() => {
      read = readAfter(10);
      return read.has('nodejs.eventloop.delay.max');
    }, 'the delay of the event loop');
    return read;
  };
  return { meter, errors, gc, readAfter, readAll };
}

const nodejs = 'process.runtime.nodejs';

test('reads every metric of the registry on Linux, and no other', async (t) => {
  const { readAll, errors } = watch(t, makeMachine(t, machines['Linux host']));
  const read = await readAll();
  assert.deepEqual([...read.keys()].sort(), metricRegistry.map(({ name }) => name).sort());
  assert.deepEqual(errors.counts(), {});
});

test('gives the attribute that the registry has, and each of its values', async (t) => {
  const { readAll } = watch(t, makeMachine(t, machines['Linux host']));
  for (const { name, points } of (await readAll()).values()) {
    const attribute = findMetric(name)?.attribute ?? null;
    const seen = points.map((point) => point.attribute);
    if (attribute === null) assert.deepEqual(seen, [undefined], name);
    else if (attribute.values !== null) assert.deepEqual([...seen].sort(), [...attribute.values].sort(), name);
    assert.equal(new Set(seen).size, seen.length, `${name} has no series twice`);
  }
});

const linuxOnly = [
  `${nodejs}.thread_count`,
  `${nodejs}.disk_io`,
  `${nodejs}.disk_io.rate`,
  'system.disk.io',
  'system.network.io',
  'system.network.io.rate',
];
const switches = [`${nodejs}.context_switches`, `${nodejs}.context_switches.involuntary.rate`];

for (const [name, missing] of [
  ['macOS', linuxOnly],
  ['Windows', [...linuxOnly, ...switches]],
  ['FreeBSD', [...linuxOnly, ...switches]],
  [
    'sandbox without /proc',
    [`${nodejs}.thread_count`, 'system.disk.io', 'system.network.io', 'system.network.io.rate'],
  ],
  ['container without a limit, cgroup v2', ['system.disk.io']],
  ['container without a limit, cgroup v1', ['system.disk.io', 'system.network.io', 'system.network.io.rate']],
] as const) {
  test(`leaves out, rather than calls 0, what cannot be known: ${name}`, async (t) => {
    const { readAll, errors } = watch(t, makeMachine(t, machines[name]));
    const read = await readAll();
    const absent = metricRegistry.map((record) => record.name).filter((metric) => !read.has(metric));
    assert.deepEqual(absent.sort(), [...missing].sort());
    assert.equal('vms' in numbersIn(read, `${nodejs}.memory`), machines[name].proc !== undefined);
    assert.deepEqual(errors.counts(), {});
  });
}

test('reads what the process used since the last reading, by the clock of the meter', (t) => {
  const machine = makeMachine(t, machines['Linux host']);
  const { readAfter } = watch(t, machine);
  const before = machine.resourceUsage();
  machine.use({ userCPUTime: 4e6, systemCPUTime: 1e6, involuntaryContextSwitches: 30, fsRead: 100, fsWrite: 300 });
  const read = readAfter(2);
  assert.equal(numberIn(read, `${nodejs}.cpu.utilization`), 2.5);
  assert.equal(numberIn(read, `${nodejs}.context_switches.involuntary.rate`), 15);
  assert.equal(numberIn(read, `${nodejs}.disk_io.rate`), 200 * 512);
  assert.deepEqual(numbersIn(read, `${nodejs}.cpu_time`), {
    user: (before.userCPUTime + 4e6) / 1e6,
    system: (before.systemCPUTime + 1e6) / 1e6,
  });
  assert.deepEqual(numbersIn(read, `${nodejs}.disk_io`), {
    read: (before.fsRead + 100) * 512,
    write: (before.fsWrite + 300) * 512,
  });
  const quiet = readAfter(5);
  assert.equal(numberIn(quiet, `${nodejs}.cpu.utilization`), 0);
  assert.equal(numberIn(quiet, `${nodejs}.context_switches.involuntary.rate`), 0);
});

test('starts again from zero after it was stopped, and listens to nothing in between', (t) => {
  const { meter, gc, readAfter } = watch(t);
  const collection = { type: 'major', durationMs: 1 } as const;
  gc.report([collection]);
  assert.equal(numbersIn(readAfter(1), `${nodejs}.gc_count`)['major'], 1);
  meter.stop();
  assert.equal(meter.read(), null);
  assert.equal(gc.listeners.size, 0);
  gc.report([collection]);
  meter.start();
  assert.equal(numbersIn(readAfter(1), `${nodejs}.gc_count`)['major'], 0);
});

test('makes its gauges once, however often it is started', (t) => {
  const { meter, gc } = watch(t);
  meter.start();
  assert.equal(gc.listeners.size, 1);
});

test('has the times of the reading, of the start of the observation, and of the process', (t) => {
  const { meter } = watch(t);
  const first = meter.read();
  const second = meter.read();
  assert.ok(first !== null && second !== null);
  assert.ok(first.processStartMs <= first.startMs && first.startMs <= first.timeMs && first.timeMs <= second.timeMs);
  assert.deepEqual([second.processStartMs, second.startMs], [first.processStartMs, first.startMs]);
});

test('a gauge that fails leaves the others alone and is counted', (t) => {
  const machine = makeMachine(t, machines['Linux host']);
  const { readAfter, errors } = watch(t, {
    ...machine,
    totalMemory: () => {
      throw new Error('no memory');
    },
  });
  const read = readAfter(1);
  assert.equal(read.has(`${nodejs}.memory`), false);
  assert.ok(read.has(`${nodejs}.cpu_time`));
  assert.deepEqual(errors.counts(), { 'metrics: memory': 1 });
});
