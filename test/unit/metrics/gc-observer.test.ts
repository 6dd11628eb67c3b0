// Real collections of garbage, reported to every listener.
import assert from 'node:assert/strict';
import test from 'node:test';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { AgentGcCounter } from '../../../src/metrics/gauges/agent-gc.js';
import { GcGauge } from '../../../src/metrics/gauges/gc.js';
import { type Collection, GcObserver } from '../../../src/metrics/gc-observer.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { byName, collectGarbage, histogramsIn, numberIn, numbersIn, sampleAfter } from './sources.js';

const makeObserver = (errors: InternalErrors = new InternalErrors(new Log('off'))): GcObserver =>
  new GcObserver(errors);

/** How many major collections are among them. */
const majorsIn = (collections: readonly Collection[]): number =>
  collections.filter(({ type }) => type === 'major').length;

test('reports each collection with its type and duration, and the heap that it leaves', async (t) => {
  const seen: Collection[] = [];
  let usedBytes = 0;
  t.after(
    makeObserver().listen((collections, usedHeapBytes) => {
      seen.push(...collections);
      usedBytes = usedHeapBytes;
    }),
  );
  for (let round = 0; round < 5; round++) collectGarbage();
  for (let round = 0; round < 3; round++) collectGarbage({ type: 'minor' });
  const minors = (): number => seen.filter(({ type }) => type === 'minor').length;
  await waitUntil(() => majorsIn(seen) >= 5 && minors() >= 3, 'every collection');
  assert.equal(majorsIn(seen), 5);
  assert.ok(seen.every(({ durationMs }) => durationMs >= 0));
  assert.ok(usedBytes > 100_000 && usedBytes < 1e9, `${usedBytes} bytes`);
});

test('reports to every listener, and to none that has ended', async (t) => {
  const observer = makeObserver();
  const counts = { first: 0, second: 0 };
  const endFirst = observer.listen((collections) => {
    counts.first += majorsIn(collections);
  });
  t.after(
    observer.listen((collections) => {
      counts.second += majorsIn(collections);
    }),
  );
  collectGarbage();
  await waitUntil(() => counts.first === 1 && counts.second === 1, 'the first collection');
  endFirst();
  endFirst();
  collectGarbage();
  await waitUntil(() => counts.second === 2, 'the other collection');
  assert.equal(counts.first, 1);
});

test('starts again after its last listener has ended', async (t) => {
  const observer = makeObserver();
  observer.listen(() => assert.fail('it has ended'))();
  let majors = 0;
  t.after(
    observer.listen((collections) => {
      majors += majorsIn(collections);
    }),
  );
  collectGarbage();
  await waitUntil(() => majors === 1, 'the collection');
});

test('counts the error of a listener, which reaches no other code', async (t) => {
  const errors = new InternalErrors(new Log('off'));
  t.after(
    makeObserver(errors).listen(() => {
      throw new Error('of the listener');
    }),
  );
  collectGarbage();
  await waitUntil(() => errors.counts()['garbage collection'] !== undefined, 'the error');
});

test('feeds both counters of collections with the same ones', async (t) => {
  const observer = makeObserver();
  const gauge = new GcGauge(observer, () => 0);
  const counter = new AgentGcCounter(observer);
  counter.start();
  t.after(() => {
    gauge.stop();
    counter.stop();
  });
  for (let round = 0; round < 5; round++) collectGarbage();
  const nodejs = 'process.runtime.nodejs';
  const readAfter = (seconds: number) => byName(gauge.read(sampleAfter(seconds)));
  const majors = (read: ReturnType<typeof readAfter>): number => numbersIn(read, `${nodejs}.gc_count`)['major'] ?? 0;
  await waitUntil(() => majors(readAfter(0)) >= 5, 'every collection');
  const read = readAfter(10);
  assert.equal(counter.read().majorGcs, majors(read));
  assert.equal(numberIn(read, `${nodejs}.gc.major.rate`), 0);
  const counts = numbersIn(read, `${nodejs}.gc_count`);
  for (const { attribute, count, bounds, bucketCounts, sum, min, max } of histogramsIn(read, 'v8js.gc.duration')) {
    assert.equal(count, counts[attribute ?? ''], `count of ${attribute}`);
    assert.equal(bucketCounts.length, bounds.length + 1);
    assert.equal(
      bucketCounts.reduce((total, bucket) => total + bucket, 0),
      count,
    );
    assert.equal(min === undefined && max === undefined, count === 0);
    if (min !== undefined && max !== undefined) assert.ok(min * count <= sum + 1e-9 && sum <= max * count + 1e-9);
  }
});

test('sees that the heap grows when objects are kept', async (t) => {
  const observer = makeObserver();
  let nowMs = 0;
  let majors = 0;
  const gauge = new GcGauge(observer, () => nowMs);
  const end = observer.listen((collections) => {
    majors += majorsIn(collections);
  });
  t.after(() => {
    gauge.stop();
    end();
  });
  collectGarbage();
  await waitUntil(() => majors === 1, 'the first collection');
  nowMs += 5000;
  const kept = Array.from({ length: 300_000 }, (_, index) => ({ index }));
  collectGarbage();
  await waitUntil(() => majors >= 2, 'the second collection');
  const rate = numberIn(byName(gauge.read(sampleAfter(5))), 'process.runtime.nodejs.heap.growth_rate') ?? 0;
  assert.ok(rate > 100 * 1024, `${rate} bytes a second with ${kept.length} objects kept`);
});
