// Totals of counters whose devices come, go and start again from zero.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DeviceCounters, type Traffic } from '../../../../src/metrics/gauges/device-counters.js';

function totals(counters: DeviceCounters, devices: Readonly<Record<string, Traffic>>): Traffic | null {
  return counters.update(new Map(Object.entries(devices)));
}

test('counts from the first update, over all devices', () => {
  const counters = new DeviceCounters();
  assert.deepEqual(totals(counters, { a: [1000, 2000], b: [5, 5] }), [0, 0]);
  assert.deepEqual(totals(counters, { a: [1001, 2010], b: [7, 5] }), [3, 10]);
  assert.deepEqual(totals(counters, { a: [1001, 2010], b: [7, 5] }), [3, 10]);
});

test('counts nothing of what a new device did before it was seen', () => {
  const counters = new DeviceCounters();
  totals(counters, { a: [0, 0] });
  assert.deepEqual(totals(counters, { a: [1, 1], b: [5000, 5000] }), [1, 1]);
  assert.deepEqual(totals(counters, { a: [1, 1], b: [5001, 5002] }), [2, 3]);
});

test('keeps what a device had counted when it goes, and counts it as new when it comes back', () => {
  const counters = new DeviceCounters();
  totals(counters, { a: [0, 0], b: [0, 0] });
  assert.deepEqual(totals(counters, { a: [10, 10], b: [1, 1] }), [11, 11]);
  assert.deepEqual(totals(counters, { b: [2, 2] }), [12, 12]);
  assert.deepEqual(totals(counters, { a: [500, 500], b: [2, 2] }), [12, 12]);
});

test('adds all of a counter that has started again from zero, each direction by itself', () => {
  const counters = new DeviceCounters();
  totals(counters, { a: [100, 100] });
  assert.deepEqual(totals(counters, { a: [4, 107] }), [4, 7]);
});

test('is null while there is no device, without losing its totals', () => {
  const counters = new DeviceCounters();
  assert.equal(totals(counters, {}), null);
  totals(counters, { a: [0, 0] });
  assert.deepEqual(totals(counters, { a: [3, 4] }), [3, 4]);
  assert.equal(totals(counters, {}), null);
  assert.deepEqual(totals(counters, { a: [10, 10] }), [3, 4]);
});
