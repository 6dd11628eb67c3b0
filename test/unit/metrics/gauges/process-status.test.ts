// Threads and address space of the process, from `/proc/self/status`.
import assert from 'node:assert/strict';
import test from 'node:test';
import { readProcessStatus } from '../../../../src/metrics/gauges/process-status.js';
import type { Host } from '../../../../src/metrics/host.js';
import { machines, makeMachine } from '../machines.js';

const hostWith = (text: string | null): Host =>
  ({ readProc: (path: string) => (path === 'self/status' ? text : null) }) as Host; // all that is asked for

test('reads both from the file of the kernel', (t) => {
  assert.deepEqual(readProcessStatus(makeMachine(t, machines['Linux host'])), {
    threads: 7,
    addressSpaceBytes: 720_000 * 1024,
  });
});

test('is null for each that the file does not have', () => {
  assert.deepEqual(readProcessStatus(hostWith(null)), { threads: null, addressSpaceBytes: null });
  assert.deepEqual(readProcessStatus(hostWith('')), { threads: null, addressSpaceBytes: null });
  assert.deepEqual(readProcessStatus(hostWith('Threads:\t3\n')), { threads: 3, addressSpaceBytes: null });
  assert.deepEqual(readProcessStatus(hostWith('VmSize:\t  12 kB\n')), { threads: null, addressSpaceBytes: 12_288 });
});

test('is not misled by other lines', () => {
  const text = 'Name:\tThreads: 9\nVmPeak:\t 99 kB\nVmSize:\t many kB\nThreads:\tseven\n';
  assert.deepEqual(readProcessStatus(hostWith(text)), { threads: null, addressSpaceBytes: null });
});
