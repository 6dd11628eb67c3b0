// CPU time of the process, and its share of a core.
import assert from 'node:assert/strict';
import test from 'node:test';
import { CpuGauge } from '../../../../src/metrics/gauges/cpu.js';
import { byName, numberIn, numbersIn, sampleAfter, usageOf } from '../sources.js';

const utilization = 'process.runtime.nodejs.cpu.utilization';
const time = 'process.runtime.nodejs.cpu_time';

test('reads seconds of user and system time since the start of the process', () => {
  const gauge = new CpuGauge(usageOf({ userCPUTime: 500_000, systemCPUTime: 250_000 }));
  const read = byName(gauge.read(sampleAfter(10, { userCPUTime: 1_500_000, systemCPUTime: 750_000 })));
  assert.deepEqual([...read.keys()], [utilization, time]);
  assert.deepEqual(numbersIn(read, time), { user: 1.5, system: 0.75 });
  assert.equal(numberIn(read, utilization), 0.15);
});

test('reads the utilization since the last reading, more than 1 when several cores were used', () => {
  const gauge = new CpuGauge(usageOf({}));
  const read = (seconds: number, userCPUTime: number): number | undefined =>
    numberIn(byName(gauge.read(sampleAfter(seconds, { userCPUTime, systemCPUTime: 1_000_000 }))), utilization);
  assert.equal(read(2, 4_000_000), 2.5);
  assert.equal(read(5, 4_000_000), 0);
  assert.equal(read(4, 5_000_000), 0.25);
});
