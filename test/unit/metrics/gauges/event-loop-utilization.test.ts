// How much of its time the event loop was busy.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventLoopUtilizationGauge } from '../../../../src/metrics/gauges/event-loop-utilization.js';
import { blockLoop } from '../../../support/block-loop.js';
import { byName, numberIn, numbersIn } from '../sources.js';

interface Use {
  readonly utilization: number;
  readonly active: number;
  readonly idle: number;
}

function read(gauge: EventLoopUtilizationGauge): Use {
  const readings = byName(gauge.read());
  const { active = Number.NaN, idle = Number.NaN } = numbersIn(readings, 'nodejs.eventloop.time');
  return { utilization: numberIn(readings, 'nodejs.eventloop.utilization') ?? Number.NaN, active, idle };
}

test('reads seconds that were busy and seconds that were idle, and the share of the busy ones since the last reading', async () => {
  await sleep(1); // the loop has to run before it has times
  const gauge = new EventLoopUtilizationGauge();
  const first = read(gauge);
  blockLoop(200);
  const busy = read(gauge);
  assert.ok(busy.active - first.active >= 0.199, `${busy.active - first.active} s`);
  assert.ok(busy.utilization > 0.99, 'no turn of the loop lay between the two readings');
  await sleep(50);
  const later = read(gauge);
  assert.ok(later.idle > busy.idle);
  const [active, idle] = [later.active - busy.active, later.idle - busy.idle];
  assert.ok(Math.abs(later.utilization - active / (active + idle)) < 1e-6, `${later.utilization}`);
});

test('uses the clock that was there before the application replaced it', (t) => {
  t.mock.method(performance, 'eventLoopUtilization', () => ({ active: 0, idle: 0, utilization: 7 }));
  assert.ok(read(new EventLoopUtilizationGauge()).utilization <= 1);
});
