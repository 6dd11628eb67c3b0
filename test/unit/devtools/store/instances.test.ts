// How much the local agent keeps of processes that report over OTLP: by its own count, and by that of the heap.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type OtlpPoint, type ResourcePoints, readMetrics } from '../../../../src/devtools/otlp/read-metrics.js';
import { type InstanceLimits, InstanceStore } from '../../../../src/devtools/store/instances.js';

type Json = Readonly<Record<string, unknown>>;

const mebibyte = 1024 * 1024;
const limits: InstanceLimits = {
  maxInstances: 10,
  maxSeriesEach: 2000,
  maxSeriesLength: 8192,
  maxResourceBytes: 64 * 1024,
  maxBytes: 4 * mebibyte,
};

/** What a request says, read from its text like one that came in. */
function received(resource: readonly Json[], metrics: readonly Json[] = []): ResourcePoints {
  const text = JSON.stringify({
    resourceMetrics: [{ resource: { attributes: resource }, scopeMetrics: [{ metrics }] }],
  });
  const [read] = readMetrics(JSON.parse(text) as Json, { count: 0, reason: '' }); // written just above
  assert.ok(read !== undefined);
  return read;
}

function fill(store: InstanceStore, { resource, points }: ResourcePoints): number {
  const instance = store.register(resource);
  return points.filter((point) => store.keep(instance, point)).length;
}

function times<Item>(length: number, item: (index: number) => Item): Item[] {
  return Array.from({ length }, (_, index) => item(index));
}

function text(key: string, stringValue: string): Json {
  return { key, value: { stringValue } };
}

function list(key: string, values: readonly Json[]): Json {
  return { key, value: { arrayValue: { values } } };
}

function gauge(name: string, point: Json): Json {
  return { name, gauge: { dataPoints: [{ asInt: '1', ...point }] } };
}

function histogram(name: string, buckets: number): Json {
  const explicitBounds = times(buckets - 1, (index) => index + 0.5);
  const bucketCounts = times(buckets, (index) => String(index + 0.5 + 2 ** 33).replace('.5', ''));
  return { name, histogram: { dataPoints: [{ count: '1', explicitBounds, bucketCounts }] } };
}

/** Each by the number of the process that sends it. */
const greedy: readonly (readonly [what: string, send: (pid: number) => ResourcePoints])[] = [
  [
    'lists of long texts in the resource',
    (pid) =>
      received([
        { key: 'process.pid', value: { intValue: String(pid) } },
        ...times(20, (at) =>
          list(
            `list${at}`,
            times(20, () => ({ stringValue: 'ж'.repeat(4096) })),
          ),
        ),
      ]),
  ],
  [
    'a resource without id and pid',
    (pid) => received([text('pod', String(pid)), ...times(128, (at) => text(`text${at}`, 'ж'.repeat(4096)))]),
  ],
  [
    'an id that is a list',
    (pid) =>
      received([
        list(
          'service.instance.id',
          times(128, (at) => longText(pid, at)),
        ),
      ]),
  ],
  [
    'texts that are cut',
    (pid) => received([text('service.instance.id', `${pid}`), text('long', `${pid}${'x'.repeat(4 * mebibyte)}`)]),
  ],
  [
    'names and units that are cut',
    (pid) =>
      received(
        [text('service.instance.id', `${pid}`)],
        [{ ...gauge(`${pid}${'x'.repeat(2 * mebibyte)}`, {}), unit: `${pid}${'y'.repeat(2 * mebibyte)}` }],
      ),
  ],
  [
    'lists of nothing in the resource',
    (pid) =>
      received([
        text('service.instance.id', `${pid}`),
        ...times(100, (at) =>
          list(
            `list${at}`,
            times(128, () => ({ arrayValue: { values: [] } })),
          ),
        ),
      ]),
  ],
  [
    'histograms of many buckets',
    (pid) =>
      received(
        [text('service.instance.id', `${pid}`)],
        times(100, (at) => histogram(`h${at}`, 256)),
      ),
  ],
  [
    'series with empty lists as attributes',
    (pid) =>
      received(
        [text('service.instance.id', `${pid}`)],
        times(100, (at) =>
          gauge(`g${at}`, {
            attributes: times(8, (key) =>
              list(
                `k${key}`,
                times(128, () => ({ kvlistValue: {} })),
              ),
            ),
          }),
        ),
      ),
  ],
];

function longText(pid: number, at: number): Json {
  return { stringValue: `${pid} ${at} ${'ж'.repeat(4000)}` };
}

/** A function of its own, so that what it leaves behind is garbage when it has returned. */
function fillWith(store: InstanceStore, send: (pid: number) => ResourcePoints): void {
  for (let pid = 1; pid <= limits.maxInstances * 2; pid++) fill(store, send(pid));
}

function heapCounter(): () => number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return () => {
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };
}

const maxGrowth = limits.maxBytes + limits.maxInstances * limits.maxResourceBytes;

for (const [what, send] of greedy) {
  test(`holds no more than its bound of ${what}`, () => {
    const heap = heapCounter();
    const store = new InstanceStore(Date.now, limits);
    const before = heap();
    fillWith(store, send);
    const grown = heap() - before;
    assert.equal(store.size, limits.maxInstances);
    assert.ok(grown < maxGrowth, `${Math.round(grown / 1024)} KiB, of ${maxGrowth / 1024} that are allowed`);
  });
}

test('leaves out of a resource what does not find room, and knows the process all the same', () => {
  const store = new InstanceStore(Date.now, limits);
  const { resource } = received([
    list(
      'huge',
      times(128, () => ({ stringValue: 'x'.repeat(4096) })),
    ),
    text('service.name', 'shop'),
    text('service.instance.id', 'web-1'),
  ]);
  const instance = store.register(resource);
  assert.deepEqual(instance.resource, { 'service.name': 'shop', 'service.instance.id': 'web-1' });
  assert.deepEqual([instance.service, instance.instanceId], ['shop', 'web-1']);
  assert.equal(store.register(resource), instance);
});

function pointsOf(...metrics: readonly Json[]): readonly OtlpPoint[] {
  return received([], metrics).points;
}

test('counts values as they grow and shrink, and gives the room of instances back that are gone', () => {
  const store = new InstanceStore(Date.now, { ...limits, maxBytes: 20_000 });
  const one = store.register({ 'process.pid': 1 });
  const other = store.register({ 'process.pid': 2 });
  const keep = (instance: typeof one, metric: Json): boolean =>
    pointsOf(metric).every((point) => store.keep(instance, point));
  assert.ok(keep(one, histogram('h', 2)) && keep(other, histogram('h', 2)));
  assert.ok(keep(one, histogram('h', 256)));
  assert.ok(!keep(other, histogram('h', 256)), 'a value may outgrow the room, too');
  assert.ok(keep(one, histogram('h', 2)));
  assert.ok(keep(other, histogram('h', 256)));
  assert.ok(!keep(one, histogram('h', 256)));
  store.drop(other);
  assert.ok(keep(one, histogram('h', 256)));
  const values = store.view(one)?.metrics['h'] ?? [];
  assert.deepEqual(
    values.map(({ value }) => typeof value === 'object' && value.counts?.length),
    [256],
  );
});

test('does not lose room to instances that come and go', () => {
  const store = new InstanceStore(Date.now, { ...limits, maxBytes: 100_000 });
  for (let round = 0; round < 100; round++) {
    const { resource, points } = received([text('service.instance.id', `${round}`)], [histogram('h', 200)]);
    assert.equal(fill(store, { resource, points }), 1, `round ${round}`);
    if (round % 2 === 0) store.drop(store.register(resource));
    else for (const instance of store.all()) store.drop(instance);
  }
});
