// Bytes through the network interfaces that the process sees.
import assert from 'node:assert/strict';
import test from 'node:test';
import { NetworkGauge } from '../../../../src/metrics/gauges/network.js';
import type { Reading } from '../../../../src/metrics/reading.js';
import { type Machine, machines, makeMachine, networkFile } from '../machines.js';
import { byName, numberIn, numbersIn, sampleAfter } from '../sources.js';

const total = 'system.network.io';
const rate = 'system.network.io.rate';

const readAfter = (gauge: NetworkGauge, seconds: number): Map<string, Reading> =>
  byName(gauge.read(sampleAfter(seconds)));

test('counts bytes of all network interfaces but loopback, and their rate', (t) => {
  const machine = makeMachine(t, machines['Linux host']);
  const gauge = new NetworkGauge(machine);
  machine.write('self/net/dev', networkFile({ lo: [9e9, 9e9], eth0: [1100, 700], docker0: [10, 520] }));
  const read = readAfter(gauge, 10);
  assert.deepEqual(numbersIn(read, total), { receive: 1000, transmit: 1000 });
  assert.equal(read.get(total)?.isSinceStart, true);
  assert.equal(numberIn(read, rate), 200);
  assert.equal(numberIn(readAfter(gauge, 10), rate), 0);
});

test('has totals that never fall when interfaces come, go and start again from zero', (t) => {
  const machine = makeMachine(t, machines['Linux host']);
  const gauge = new NetworkGauge(machine);
  const received = (interfaces: Record<string, readonly [number, number]>): number | undefined => {
    machine.write('self/net/dev', networkFile(interfaces));
    return numbersIn(readAfter(gauge, 1), total)['receive'];
  };
  assert.equal(received({ eth0: [150, 0], docker0: [10, 0] }), 50);
  assert.equal(received({ eth0: [160, 0] }), 60, 'one has gone');
  assert.equal(received({ eth0: [160, 0], docker0: [5000, 0] }), 60, 'a new one counts from when it is first seen');
  assert.equal(received({ eth0: [160, 0], docker0: [5001, 0] }), 61);
  assert.equal(received({ eth0: [4, 0], docker0: [5001, 0] }), 65, 'started again');
  assert.equal(received({ lo: [4, 0] }), undefined);
  assert.equal(received({ eth0: [10, 0] }), 65);
});

test('reads names that have a colon, and ignores lines that have no numbers', (t) => {
  const machine = makeMachine(t, machines['Linux host']);
  const file = (bytes: number): string => `${networkFile({ 'eth0:1': [bytes, bytes] })}  bad: x x\n\nno colon\n`;
  machine.write('self/net/dev', file(100));
  const gauge = new NetworkGauge(machine);
  machine.write('self/net/dev', file(150));
  assert.deepEqual(numbersIn(readAfter(gauge, 1), total), { receive: 50, transmit: 50 });
});

test('has no reading where no interface can be known', (t) => {
  for (const name of ['sandbox without /proc', 'macOS', 'container without a limit, cgroup v1'] as const) {
    const machine: Machine = makeMachine(t, machines[name]);
    assert.deepEqual(new NetworkGauge(machine).read(sampleAfter(1)), [], name);
  }
});
