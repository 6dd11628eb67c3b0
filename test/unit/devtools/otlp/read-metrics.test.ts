// Points of OTLP/JSON metrics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OtlpPoint, type Rejection, readMetrics } from '../../../../src/devtools/otlp/read-metrics.js';

function read(...metrics: readonly unknown[]): { points: readonly OtlpPoint[]; rejected: Rejection } {
  const rejected: Rejection = { count: 0, reason: '' };
  const scopeMetrics = [{ scope: { name: 'scope' }, metrics }];
  const [resource] = readMetrics({ resourceMetrics: [{ scopeMetrics }] }, rejected);
  return { points: resource?.points ?? [], rejected };
}

test('reads the kind and the temporality of each type of metric', () => {
  const dataPoints = [{ asInt: '1', count: '1' }];
  const { points, rejected } = read(
    { name: 'a', gauge: { dataPoints } },
    { name: 'b', sum: { dataPoints, isMonotonic: true, aggregationTemporality: 2 } },
    { name: 'c', sum: { dataPoints, aggregationTemporality: 1 } },
    { name: 'd', histogram: { dataPoints, aggregationTemporality: 2 } },
    { name: 'e', exponentialHistogram: { dataPoints, aggregationTemporality: 1 } },
    { name: 'f', summary: { dataPoints } },
  );
  assert.deepEqual(
    points.map(({ name, kind, temporality }) => [name, kind, temporality]),
    [
      ['a', 'gauge', null],
      ['b', 'counter', 'cumulative'],
      ['c', 'up-down-counter', 'delta'],
      ['d', 'histogram', 'cumulative'],
      ['e', 'exponential-histogram', 'delta'],
      ['f', 'summary', null],
    ],
  );
  assert.deepEqual(rejected, { count: 0, reason: '' });
});

test('reads a whole point', () => {
  const point = { asDouble: 1.5, timeUnixNano: '2000000', attributes: [{ key: 'k', value: { boolValue: true } }] };
  const { points } = read({ name: 'a', unit: 's', gauge: { dataPoints: [point] } });
  const head = { name: 'a', scope: 'scope', kind: 'gauge', temporality: null, unit: 's' };
  assert.deepEqual(points, [{ ...head, attributes: { k: true }, timeMs: 2, value: 1.5 }]);
});

test('leaves out buckets that are too many, and rejects buckets that do not match their bounds', () => {
  const histogram = (bounds: number, counts: number) => {
    const explicitBounds = Array(bounds).fill(1);
    const bucketCounts = Array(counts).fill('1');
    return { name: 'h', histogram: { dataPoints: [{ count: '1', explicitBounds, bucketCounts }] } };
  };
  const counted = { count: 1, sum: null, min: null, max: null };
  assert.deepEqual(read(histogram(1, 2)).points[0]?.value, { ...counted, bounds: [1], counts: [1, 1] });
  assert.deepEqual(read(histogram(300, 301)).points[0]?.value, counted);
  assert.deepEqual(read(histogram(2, 2)).rejected, { count: 1, reason: 'a point of h has no value that can be read' });
});

test('skips points that end their series, counts those without a value, and keeps the first reason', () => {
  const { points, rejected } = read(
    { name: 'a', gauge: { dataPoints: [{ flags: 1 }, {}, { asInt: '1' }] } },
    { gauge: { dataPoints: [{ asInt: '1' }] } },
  );
  assert.equal(points.length, 1);
  assert.deepEqual(rejected, { count: 2, reason: 'a point of a has no value that can be read' });
});
