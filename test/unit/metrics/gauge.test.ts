// The rate of a total that only grows.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Rate } from '../../../src/metrics/gauge.js';
import { sampleAfter } from './sources.js';

test('is what was added since the last reading, a second', () => {
  const rate = new Rate(100);
  assert.equal(rate.next(150, sampleAfter(10)), 5);
  assert.equal(rate.next(150, sampleAfter(10)), 0);
  assert.equal(rate.next(151, sampleAfter(0.5)), 2);
});

test('is not finite when no time has passed, and goes on after that', () => {
  const rate = new Rate(0);
  assert.equal(Number.isFinite(rate.next(0, sampleAfter(0))), false);
  assert.equal(Number.isFinite(rate.next(5, sampleAfter(0))), false);
  assert.equal(rate.next(6, sampleAfter(1)), 1);
});
