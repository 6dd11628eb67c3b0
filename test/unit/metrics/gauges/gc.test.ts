// Garbage collections since the start of the observation: counts, durations, rates, and what they leave of the heap.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { GcGauge } from '../../../../src/metrics/gauges/gc.js';
import type { Reading } from '../../../../src/metrics/reading.js';
import { byName, histogramsIn, ManualGcObserver, numberIn, numbersIn, sampleAfter } from '../sources.js';

const nodejs = 'process.runtime.nodejs';

interface Watch {
  readonly observer: ManualGcObserver;
  readonly gauge: GcGauge;
  /** Moves the clock and reads. */
  readAfter(seconds: number): Map<string, Reading>;
}

function watch(t: TestContext): Watch {
  const observer = new ManualGcObserver();
  let nowMs = 1_000_000;
  const gauge = new GcGauge(observer, () => nowMs);
  t.after(() => gauge.stop());
  const readAfter = (seconds: number): Map<string, Reading> => {
    nowMs += seconds * 1000;
    return byName(gauge.read(sampleAfter(seconds)));
  };
  return { observer, gauge, readAfter };
}

test('reads 0 of every type before there was a collection', (t) => {
  const read = watch(t).readAfter(10);
  assert.deepEqual(numbersIn(read, `${nodejs}.gc_count`), { minor: 0, major: 0, incremental: 0, weakcb: 0 });
  assert.equal(numberIn(read, `${nodejs}.gc.major.rate`), 0);
  assert.equal(numberIn(read, `${nodejs}.gc.time_ratio`), 0);
  assert.equal(numberIn(read, `${nodejs}.heap.growth_rate`), 0);
  for (const point of histogramsIn(read, 'v8js.gc.duration')) {
    assert.deepEqual(
      { count: point.count, sum: point.sum, bucketCounts: point.bucketCounts },
      { count: 0, sum: 0, bucketCounts: [0, 0, 0, 0, 0, 0] },
    );
    assert.equal('min' in point || 'max' in point, false);
  }
});

test('keeps totals by type, whose rates are those since the last reading', (t) => {
  const { observer, readAfter } = watch(t);
  observer.report([{ type: 'major', durationMs: 100 }]);
  readAfter(10);
  observer.report([
    { type: 'major', durationMs: 150 },
    { type: 'minor', durationMs: 50 },
  ]);
  observer.report([{ type: 'major', durationMs: 300 }]);
  const read = readAfter(10);
  assert.deepEqual(numbersIn(read, `${nodejs}.gc_count`), { minor: 1, major: 3, incremental: 0, weakcb: 0 });
  assert.equal(read.get(`${nodejs}.gc_count`)?.isSinceStart, true);
  assert.equal(read.get('v8js.gc.duration')?.isSinceStart, true);
  assert.equal(numberIn(read, `${nodejs}.gc.major.rate`), 0.2);
  assert.ok(Math.abs((numberIn(read, `${nodejs}.gc.time_ratio`) ?? 0) - 0.05) < 1e-9);
  const quiet = readAfter(5);
  assert.equal(numberIn(quiet, `${nodejs}.gc.major.rate`), 0);
  assert.equal(numberIn(quiet, `${nodejs}.gc.time_ratio`), 0);
});

test('sorts durations into buckets whose bounds are inclusive', (t) => {
  const { observer, readAfter } = watch(t);
  const durations = [0.5, 1, 1.5, 10, 99, 1000, 20_000];
  observer.report(durations.map((durationMs) => ({ type: 'minor', durationMs })));
  const minor = histogramsIn(readAfter(1), 'v8js.gc.duration').find(({ attribute }) => attribute === 'minor');
  assert.deepEqual(minor?.bounds, [0.001, 0.01, 0.1, 1, 10]);
  assert.deepEqual(minor?.bucketCounts, [2, 2, 1, 1, 0, 1]);
  assert.deepEqual([minor?.count, minor?.min, minor?.max], [7, 0.0005, 20]);
  assert.ok(Math.abs((minor?.sum ?? 0) - 21.112) < 1e-9);
});

test('leaves out a collection of a type that it does not know', (t) => {
  const { observer, readAfter } = watch(t);
  observer.report([{ type: null, durationMs: 3 }]);
  assert.deepEqual(numbersIn(readAfter(1), `${nodejs}.gc_count`), { minor: 0, major: 0, incremental: 0, weakcb: 0 });
});

test('follows the heap after major collections, not after others', (t) => {
  const { observer, readAfter } = watch(t);
  observer.report([{ type: 'major', durationMs: 1 }], 10e6);
  readAfter(10);
  observer.report([{ type: 'minor', durationMs: 1 }], 90e6);
  observer.report([{ type: 'major', durationMs: 1 }], 12e6);
  assert.ok(Math.abs((numberIn(readAfter(10), `${nodejs}.heap.growth_rate`) ?? 0) - 200_000) < 1e-6);
});

test('listens until it is stopped', (t) => {
  const { observer, gauge, readAfter } = watch(t);
  assert.equal(observer.listeners.size, 1);
  gauge.stop();
  assert.equal(observer.listeners.size, 0);
  observer.report([{ type: 'major', durationMs: 1 }]);
  assert.equal(numbersIn(readAfter(1), `${nodejs}.gc_count`)['major'], 0);
});
