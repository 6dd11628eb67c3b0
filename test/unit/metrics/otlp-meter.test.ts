// Readings of the registry's metrics, on machines at hand and on others.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { HeapGrowth } from '../../../src/metrics/gauges/heap-growth.js';
import { GcObserver } from '../../../src/metrics/gc-observer.js';
import type { Host } from '../../../src/metrics/host.js';
import { OtlpMeter } from '../../../src/metrics/otlp-meter.js';
import type { HistogramPoint, NumberPoint, Reading } from '../../../src/metrics/reading.js';
import { findMetric, metricRegistry } from '../../../src/protocol/metric-registry.js';
import { diskFile, machines, makeMachine, networkFile } from './machines.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;

/** Node.js tells of a collection some turns later. */
const told = 30;

interface Watched {
  readonly meter: OtlpMeter;
  readonly errors: InternalErrors;
  /** Moves the clock and reads. */
  readAfter(seconds: number): Map<string, Reading>;
}

function watch(t: TestContext, host?: Host): Watched {
  const errors = new InternalErrors(new Log('off'));
  let tick = 1_000_000;
  const meter = new OtlpMeter({
    errors,
    gc: new GcObserver(errors),
    now: () => tick,
    wallClock: Date.now,
    ...(host === undefined ? {} : { host }),
  });
  meter.start();
  t.after(() => meter.stop());
  const readAfter = (seconds: number): Map<string, Reading> => {
    tick += seconds * 1000;
    return new Map(meter.read()?.readings.map((reading) => [reading.name, reading]));
  };
  return { meter, errors, readAfter };
}

/** Of a reading of numbers: values by attribute, '' where there is none. */
function values(read: Map<string, Reading>, name: string): Record<string, number> {
  const points = (read.get(name)?.points ?? []) as readonly NumberPoint[];
  return Object.fromEntries(points.map(({ attribute = '', value }) => [attribute, value]));
}

function value(read: Map<string, Reading>, name: string): number | undefined {
  return values(read, name)[''];
}

function histograms(read: Map<string, Reading>, name: string): readonly HistogramPoint[] {
  return (read.get(name)?.points ?? []) as readonly HistogramPoint[];
}

const nodejs = 'process.runtime.nodejs';

test('reads every metric of the registry on Linux, and no other', async (t) => {
  const { readAfter, errors } = watch(t, makeMachine(t, machines['Linux host']));
  await sleep(250); // the loop has come round for its delay to be known
  const read = readAfter(10);
  assert.deepEqual([...read.keys()].sort(), metricRegistry.map(({ name }) => name).sort());
  assert.deepEqual(errors.counts(), {});
});

test('gives the attribute that the registry has, and each of its values', async (t) => {
  const { readAfter } = watch(t, makeMachine(t, machines['Linux host']));
  await sleep(250);
  for (const { name, points } of readAfter(10).values()) {
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
    const { readAfter, errors } = watch(t, makeMachine(t, machines[name]));
    await sleep(250);
    const read = readAfter(10);
    const absent = metricRegistry.map((record) => record.name).filter((metric) => !read.has(metric));
    assert.deepEqual(absent.sort(), [...missing].sort());
    assert.equal('vms' in values(read, `${nodejs}.memory`), machines[name].proc !== undefined);
    assert.deepEqual(errors.counts(), {});
  });
}

test('takes the limit of the container where there is one, else the memory of the machine', (t) => {
  const limits = Object.entries(machines).map(([name, facts]) => {
    const read = watch(t, makeMachine(t, facts)).readAfter(1);
    const rss = values(read, `${nodejs}.memory`)['rss'] ?? Number.NaN;
    return [name, Math.round(rss / (value(read, `${nodejs}.memory.utilization`) ?? Number.NaN) / 1024 / 1024)];
  });
  assert.deepEqual(Object.fromEntries(limits), {
    'Linux host': 16_384,
    'container with a limit, cgroup v1': 512,
    'container without a limit, cgroup v1': 16_384,
    'container with a limit, cgroup v2': 256,
    'container without a limit, cgroup v2': 16_384,
    'sandbox without /proc': 4096,
    macOS: 32_768,
    Windows: 32_768,
    FreeBSD: 8192,
  });
});

test('reads threads and address space of the process', (t) => {
  const read = watch(t, makeMachine(t, machines['Linux host'])).readAfter(1);
  assert.equal(value(read, `${nodejs}.thread_count`), 7);
  assert.equal(values(read, `${nodejs}.memory`)['vms'], 720_000 * 1024);
});

test('counts bytes of the host from the start of the observation, whole disks only', (t) => {
  const machine = makeMachine(t, {
    ...machines['Linux host'],
    blockDevices: ['loop0', 'sda', 'nvme0n1', 'md0', 'dm-0', 'cciss!c0d0'],
  });
  machine.write(
    'diskstats',
    diskFile({ sda: [1000, 2000], sda1: [1000, 2000], nvme0n1: [5, 5], 'cciss/c0d0': [7, 7] }),
  );
  const { readAfter } = watch(t, machine);
  const first = readAfter(10);
  assert.deepEqual(values(first, 'system.disk.io'), { read: 0, write: 0 });
  assert.equal(first.get('system.disk.io')?.isSinceStart, true);
  machine.write(
    'diskstats',
    diskFile({
      loop0: [50, 50],
      ram0: [50, 50],
      zram0: [50, 50],
      'dm-0': [50, 50],
      md0: [50, 50],
      sda: [1001, 2010],
      sda1: [1001, 2010],
      nvme0n1: [7, 5],
      'cciss/c0d0': [11, 7],
    }),
  );
  assert.deepEqual(values(readAfter(10), 'system.disk.io'), { read: 7 * 512, write: 10 * 512 });
});

test('counts bytes of all network interfaces but loopback, and their rate', (t) => {
  const machine = makeMachine(t, machines['Linux host']);
  const { readAfter } = watch(t, machine);
  machine.write('self/net/dev', networkFile({ lo: [9e9, 9e9], eth0: [1100, 700], docker0: [10, 520] }));
  const read = readAfter(10);
  assert.deepEqual(values(read, 'system.network.io'), { receive: 1000, transmit: 1000 });
  assert.equal(value(read, 'system.network.io.rate'), 200);
  assert.equal(value(readAfter(10), 'system.network.io.rate'), 0);
});

test('totals of the host never fall when devices come, go and begin anew', (t) => {
  const machine = makeMachine(t, machines['Linux host']);
  const { readAfter } = watch(t, machine);
  const received = (interfaces: Record<string, readonly [number, number]>): number | undefined => {
    machine.write('self/net/dev', networkFile(interfaces));
    return values(readAfter(1), 'system.network.io')['receive'];
  };
  assert.equal(received({ eth0: [150, 0], docker0: [10, 0] }), 50);
  assert.equal(received({ eth0: [160, 0] }), 60, 'one has gone');
  assert.equal(
    received({ eth0: [160, 0], docker0: [5000, 0] }),
    60,
    'what a new one tells happened before it was seen',
  );
  assert.equal(received({ eth0: [160, 0], docker0: [5001, 0] }), 61);
  assert.equal(received({ eth0: [4, 0], docker0: [5001, 0] }), 65, 'begun anew');
  assert.equal(received({ lo: [4, 0] }), undefined);
  assert.equal(received({ eth0: [10, 0] }), 65);
});

test('tells what the process used since the last reading', (t) => {
  const machine = makeMachine(t, machines['Linux host']);
  const { readAfter } = watch(t, machine);
  const before = machine.resourceUsage();
  machine.use({ userCPUTime: 4e6, systemCPUTime: 1e6, involuntaryContextSwitches: 30, fsRead: 100, fsWrite: 300 });
  const read = readAfter(2);
  assert.equal(value(read, `${nodejs}.cpu.utilization`), 2.5);
  assert.equal(value(read, `${nodejs}.context_switches.involuntary.rate`), 15);
  assert.equal(value(read, `${nodejs}.disk_io.rate`), 200 * 512);
  assert.deepEqual(values(read, `${nodejs}.cpu_time`), {
    user: (before.userCPUTime + 4e6) / 1e6,
    system: (before.systemCPUTime + 1e6) / 1e6,
  });
  assert.deepEqual(values(read, `${nodejs}.disk_io`), {
    read: (before.fsRead + 100) * 512,
    write: (before.fsWrite + 300) * 512,
  });
  const quiet = readAfter(5);
  assert.equal(value(quiet, `${nodejs}.cpu.utilization`), 0);
  assert.equal(value(quiet, `${nodejs}.context_switches.involuntary.rate`), 0);
});

test('counts each of the collections that come at once', async (t) => {
  const { readAfter } = watch(t);
  for (let round = 0; round < 5; round++) collect();
  for (let round = 0; round < 3; round++) collect({ type: 'minor' });
  await sleep(told);
  const read = readAfter(10);
  const counts = values(read, `${nodejs}.gc_count`);
  assert.equal(counts['major'], 5);
  assert.ok((counts['minor'] ?? 0) >= 3, `${counts['minor']} minor collections`);
  assert.equal(value(read, `${nodejs}.gc.major.rate`), 0.5);
  const durations = histograms(read, 'v8js.gc.duration');
  const major = durations.find(({ attribute }) => attribute === 'major');
  assert.equal(major?.count, 5);
  for (const { attribute, count, bounds, bucketCounts, sum, min, max } of durations) {
    assert.equal(count, counts[attribute ?? ''], `count of ${attribute}`);
    assert.equal(bucketCounts.length, bounds.length + 1);
    assert.equal(
      bucketCounts.reduce((total, bucket) => total + bucket, 0),
      count,
    );
    assert.equal(min === undefined && max === undefined, count === 0);
    if (min !== undefined && max !== undefined) assert.ok(min * count <= sum && sum <= max * count + 1e-9);
  }
  const seconds = durations.reduce((total, { sum }) => total + sum, 0);
  assert.ok(Math.abs((value(read, `${nodejs}.gc.time_ratio`) ?? 0) - seconds / 10) < 1e-9);
});

test('keeps totals of collections, whose rate is that since the last reading', async (t) => {
  const { readAfter } = watch(t);
  collect();
  await sleep(told);
  readAfter(10);
  collect();
  collect();
  await sleep(told);
  const read = readAfter(10);
  assert.equal(values(read, `${nodejs}.gc_count`)['major'], 3);
  assert.equal(value(read, `${nodejs}.gc.major.rate`), 0.2);
  assert.equal(read.get(`${nodejs}.gc_count`)?.isSinceStart, true);
});

test('begins anew after it was stopped', async (t) => {
  const { meter, readAfter } = watch(t);
  collect();
  await sleep(told);
  meter.stop();
  assert.equal(meter.read(), null);
  collect();
  await sleep(told);
  meter.start();
  assert.equal(values(readAfter(1), `${nodejs}.gc_count`)['major'], 0);
});

test('a heap that keeps growing has its slope, whatever happens between collections', () => {
  const growth = new HeapGrowth();
  assert.equal(growth.slope(0), 0);
  growth.add(0, 5e6);
  assert.equal(growth.slope(0), 0, 'one sample is no trend');
  growth.add(400, 9e6); // in a burst with the first, of which the least counts
  for (let second = 2; second <= 60; second += 2) growth.add(second * 1000, 5e6 + second * 200_000);
  assert.ok(Math.abs(growth.slope(60_000) - 200_000) < 1);
  growth.add(61_500, 5e6);
  assert.ok(growth.slope(61_500) < 200_000);
});

test('a heap that returns to where it was has no slope, and samples older than ten minutes are forgotten', () => {
  const growth = new HeapGrowth();
  for (let minute = 0; minute < 4; minute++) growth.add(minute * 60_000, 1e9 * minute);
  for (let minute = 14; minute < 24; minute++) growth.add(minute * 60_000, 5e6);
  assert.equal(growth.slope(24 * 60_000), 0);
  assert.equal(growth.slope(90 * 60_000), 0);
});

test('samples the heap after major collections', async (t) => {
  const { readAfter } = watch(t);
  collect();
  await sleep(told);
  assert.equal(value(readAfter(5), `${nodejs}.heap.growth_rate`), 0);
  const kept = Array.from({ length: 300_000 }, (_, index) => ({ index }));
  collect();
  await sleep(told);
  const rate = value(readAfter(5), `${nodejs}.heap.growth_rate`) ?? 0;
  assert.ok(rate > 100 * 1024, `${rate} bytes a second with ${kept.length} objects kept`);
});

test('tells how late the loop was, without the time between two looks at it', async (t) => {
  const { readAfter } = watch(t);
  assert.equal(readAfter(1).has('nodejs.eventloop.delay.max'), false, 'nothing is known at once');
  const delay = (read: Map<string, Reading>, name: string): number =>
    value(read, `nodejs.eventloop.delay.${name}`) ?? -1;
  await sleep(350);
  const quiet = readAfter(1);
  assert.ok(delay(quiet, 'min') >= 0 && delay(quiet, 'p50') < 0.09, `median ${delay(quiet, 'p50')} s`);
  await sleep(150);
  const end = performance.now() + 600;
  while (performance.now() < end);
  await sleep(150);
  const blocked = readAfter(1);
  assert.ok(delay(blocked, 'p99') > 0.3 && delay(blocked, 'max') < 5, `p99 ${delay(blocked, 'p99')} s`);
  await sleep(350);
  assert.ok(delay(readAfter(1), 'max') < 0.3, 'each reading begins anew');
});

test('tells how busy the event loop was', async (t) => {
  const { readAfter } = watch(t);
  await sleep(50);
  readAfter(1);
  const end = performance.now() + 200;
  while (performance.now() < end);
  await sleep(50);
  const read = readAfter(1);
  assert.ok((value(read, 'nodejs.eventloop.utilization') ?? 0) > 0.4);
  assert.ok((values(read, 'nodejs.eventloop.time')['active'] ?? 0) > 0.2);
});

test('says 0 of a type of resource that has gone, and nothing of types that never were', (t) => {
  const { readAfter } = watch(t);
  const timer = setTimeout(() => {}, 60_000);
  const before = values(readAfter(1), 'v8js.resource.active');
  clearTimeout(timer);
  const after = values(readAfter(1), 'v8js.resource.active');
  assert.ok((before['Timeout'] ?? 0) >= 1);
  assert.equal(after['Timeout'], (before['Timeout'] ?? 0) - 1);
  assert.equal('TCPServerWrap' in after, false);
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
