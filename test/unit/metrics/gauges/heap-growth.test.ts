// The trend of what major collections leave of the heap.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HeapGrowth } from '../../../../src/metrics/gauges/heap-growth.js';

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

test('a heap that shrinks has a slope below 0', () => {
  const growth = new HeapGrowth();
  for (let second = 0; second <= 10; second++) growth.add(second * 1000, 1e7 - second * 1000);
  assert.ok(Math.abs(growth.slope(10_000) + 1000) < 1e-6);
});

test('a burst counts as one sample, its least', () => {
  const growth = new HeapGrowth();
  growth.add(0, 9e6);
  growth.add(300, 4e6);
  growth.add(600, 8e6);
  growth.add(1000, 5e6);
  assert.ok(Math.abs(growth.slope(1000) - 1e6) < 1e-6);
});
