// Aggregates over the recent values of one series.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlidingWindow } from '../../../../src/devtools/alerts/sliding-window.js';

test('a window takes the same room for any number of values', () => {
  const window = new SlidingWindow(1000);
  for (let at = 0; at < 100_000; at++) window.add(at / 10, at % 10);
  window.slide(10_000);
  assert.deepEqual([window.aggregate('min'), window.aggregate('max')], [0, 9]);
  assert.ok(Math.abs(Number(window.aggregate('avg')) - 4.5) < 0.01);
  assert.ok(window.count >= 10_000 && window.count < 10_200);
  window.slide(12_000);
  assert.deepEqual([window.count, window.aggregate('avg')], [0, null]);
});

test('aggregates the values that are still in the window', () => {
  const window = new SlidingWindow(1000);
  assert.equal(window.aggregate('avg'), null);
  for (const [timeMs, value] of [
    [0, 9],
    [500, 1],
    [1200, 2],
  ] as const) {
    window.add(timeMs, value);
  }
  assert.deepEqual([window.count, window.spanMs, window.aggregate('avg')], [3, 1200, 4]);
  window.slide(1200);
  assert.deepEqual([window.count, window.spanMs], [2, 700]);
  assert.deepEqual([window.aggregate('min'), window.aggregate('avg'), window.aggregate('max')], [1, 1.5, 2]);
});
