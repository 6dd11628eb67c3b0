// Context switches of the process: totals as the system counts them, and the rate of those that it did not ask for.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ContextSwitchGauge } from '../../../../src/metrics/gauges/context-switches.js';
import { byName, numberIn, numbersIn, sampleAfter, usageOf } from '../sources.js';

const total = 'process.runtime.nodejs.context_switches';
const rate = `${total}.involuntary.rate`;

test('reads totals of both kinds, and a rate of the involuntary ones since the last reading', () => {
  const gauge = new ContextSwitchGauge(usageOf({ voluntaryContextSwitches: 1000, involuntaryContextSwitches: 100 }));
  const first = byName(gauge.read(sampleAfter(2, { voluntaryContextSwitches: 1500, involuntaryContextSwitches: 130 })));
  assert.deepEqual([...first.keys()], [total, rate]);
  assert.deepEqual(numbersIn(first, total), { voluntary: 1500, involuntary: 130 });
  assert.equal(numberIn(first, rate), 15);
  const second = byName(
    gauge.read(sampleAfter(10, { voluntaryContextSwitches: 1501, involuntaryContextSwitches: 132 })),
  );
  assert.equal(numberIn(second, rate), 0.2);
});

test('reads a rate of 0 while there are none', () => {
  const gauge = new ContextSwitchGauge(usageOf({ involuntaryContextSwitches: 7 }));
  assert.equal(numberIn(byName(gauge.read(sampleAfter(5, { involuntaryContextSwitches: 7 }))), rate), 0);
});
