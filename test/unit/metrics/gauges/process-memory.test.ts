// Memory and threads of the process, and how near its memory is to the limits.
import assert from 'node:assert/strict';
import test from 'node:test';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { HeapSpacesGauge, memoryLimit, ProcessMemoryGauge } from '../../../../src/metrics/gauges/process-memory.js';
import type { Host } from '../../../../src/metrics/host.js';
import { machines, makeMachine } from '../machines.js';
import { byName, numberIn, numbersIn } from '../sources.js';

const nodejs = 'process.runtime.nodejs';
const mebibyte = 1024 * 1024;

test('takes the limit of the container where there is one, else the memory of the machine', (t) => {
  const limits = Object.entries(machines).map(([name, facts]) => {
    const read = byName(new ProcessMemoryGauge(makeMachine(t, facts)).read());
    const rss = numbersIn(read, `${nodejs}.memory`)['rss'] ?? Number.NaN;
    return [name, Math.round(rss / (numberIn(read, `${nodejs}.memory.utilization`) ?? Number.NaN) / mebibyte)];
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

test('takes no limit that Node.js does not know, that is 0, or that is more than the machine has', () => {
  const host = (constrained: number | undefined): Host =>
    ({ totalMemory: () => 1000, constrainedMemory: () => constrained }) as Host; // all that is asked for
  assert.deepEqual(
    [undefined, 0, 999, 1000, 1001, 2 ** 64].map((constrained) => memoryLimit(host(constrained))),
    [1000, 1000, 999, 1000, 1000, 1000],
  );
});

test('reads threads and address space of the process', (t) => {
  const read = byName(new ProcessMemoryGauge(makeMachine(t, machines['Linux host'])).read());
  assert.equal(numberIn(read, `${nodejs}.thread_count`), 7);
  assert.equal(numbersIn(read, `${nodejs}.memory`)['vms'], 720_000 * 1024);
});

test('leaves out threads and address space where the system does not know them', (t) => {
  const read = byName(new ProcessMemoryGauge(makeMachine(t, machines['macOS'])).read());
  assert.equal(read.has(`${nodejs}.thread_count`), false);
  assert.deepEqual(Object.keys(numbersIn(read, `${nodejs}.memory`)), [
    'rss',
    'heap_total',
    'heap_used',
    'external',
    'array_buffers',
  ]);
});

test('reads the memory that Node.js reports, and the share of the heap limit that is used', (t) => {
  t.mock.method(process, 'memoryUsage', () => ({ rss: 1, heapTotal: 2, heapUsed: 3, external: 4, arrayBuffers: 5 }));
  const read = byName(new ProcessMemoryGauge(makeMachine(t, machines['macOS'])).read());
  assert.deepEqual(numbersIn(read, `${nodejs}.memory`), {
    rss: 1,
    heap_total: 2,
    heap_used: 3,
    external: 4,
    array_buffers: 5,
  });
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  // The heap may grow between the two readings.
  const share = numberIn(read, `${nodejs}.heap.utilization`) ?? Number.NaN;
  assert.ok(share > 0 && share <= 1 && Math.abs(share - used / limit) < 0.1, `${share}`);
});

test('reads four figures of each heap space of this V8', () => {
  const read = byName(new HeapSpacesGauge().read());
  const spaces = getHeapSpaceStatistics().map(({ space_name: name }) => name);
  const size = 'v8js.memory.heap.space.size';
  assert.deepEqual(
    [...read.keys()],
    ['v8js.memory.heap.used', 'v8js.memory.heap.space.available_size', 'v8js.memory.heap.space.physical_size', size],
  );
  for (const name of read.keys()) assert.deepEqual(Object.keys(numbersIn(read, name)), spaces, name);
  const old = 'old_space';
  assert.ok((numbersIn(read, 'v8js.memory.heap.used')[old] ?? Number.NaN) <= (numbersIn(read, size)[old] ?? 0));
});
