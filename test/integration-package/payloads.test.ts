// What is wrong in export requests beyond their form is found, one thing at a time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asList, asObject, type JsonObject } from '../../tools/integration-package/json.js';
import { payloadFindings } from '../../tools/integration-package/validate-payloads.js';
import { at } from './shapes.js';

const now = Date.UTC(2026, 0, 1);

function nano(ms: number): string {
  return `${ms}000000`;
}

/** A request with a gauge, a counter and a histogram, so many milliseconds after the first one. */
function request(laterMs: number): JsonObject {
  const times = { startTimeUnixNano: nano(now - 1000), timeUnixNano: nano(now + laterMs) };
  const type = (value: string): JsonObject[] => [{ key: 'type', value: { stringValue: value } }];
  const metrics = [
    {
      name: 'share',
      unit: '1',
      gauge: { dataPoints: [{ attributes: [], timeUnixNano: times.timeUnixNano, asDouble: 0.5 }] },
    },
    {
      name: 'bytes',
      unit: 'By',
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: [
          { attributes: type('read'), ...times, asInt: String(10 + laterMs) },
          { attributes: type('write'), ...times, asInt: '7' },
        ],
      },
    },
    {
      name: 'pauses',
      unit: 's',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [
          { attributes: [], ...times, count: '3', sum: 0.4, bucketCounts: ['1', '2', '0'], explicitBounds: [0.1, 0.2] },
        ],
      },
    },
  ];
  return { resourceMetrics: [{ resource: {}, scopeMetrics: [{ scope: { name: 'scope' }, metrics }] }] };
}

const metrics = 'resourceMetrics.0.scopeMetrics.0.metrics';

test('two requests in order have no finding', () => {
  assert.deepEqual(payloadFindings([request(0), request(1000)], now), []);
});

/** Changes of the second request. */
const faults: readonly (readonly [what: string, rule: string, path: string, members: JsonObject])[] = [
  ['a time in milliseconds', 'payload/time', '0.gauge.dataPoints.0', { timeUnixNano: String(now) }],
  ['a time that is a number', 'payload/time', '0.gauge.dataPoints.0', { timeUnixNano: Number(nano(now)) }],
  ['a time that stands still', 'payload/time', '0.gauge.dataPoints.0', { timeUnixNano: nano(now) }],
  ['a sum without a start', 'payload/start', '1.sum.dataPoints.0', { startTimeUnixNano: undefined }],
  ['a start that moves', 'payload/start', '1.sum.dataPoints.0', { startTimeUnixNano: nano(now - 500) }],
  ['a start after the time', 'payload/start', '1.sum.dataPoints.0', { startTimeUnixNano: nano(now + 2000) }],
  ['deltas', 'payload/temporality', '1.sum', { aggregationTemporality: 1 }],
  ['a counter that falls', 'payload/falls', '1.sum.dataPoints.0', { asInt: '9' }],
  [
    'a histogram that forgets',
    'payload/falls',
    '2.histogram.dataPoints.0',
    { count: '2', bucketCounts: ['1', '1', '0'] },
  ],
  ['a whole number that is no text', 'payload/number', '1.sum.dataPoints.0', { asInt: 1100 }],
  ['a fraction as a whole number', 'payload/number', '1.sum.dataPoints.0', { asInt: '1100.5' }],
  ['no number at all', 'payload/number', '0.gauge.dataPoints.0', { asDouble: null }],
  ['counts that are no texts', 'payload/number', '2.histogram.dataPoints.0', { count: 3 }],
  ['as many buckets as bounds', 'payload/buckets', '2.histogram.dataPoints.0', { bucketCounts: ['1', '2'] }],
  ['buckets of another sum', 'payload/buckets', '2.histogram.dataPoints.0', { bucketCounts: ['1', '2', '1'] }],
  ['bounds that fall', 'payload/buckets', '2.histogram.dataPoints.0', { explicitBounds: [0.2, 0.1] }],
  ['a metric twice', 'payload/duplicate', '0', { name: 'bytes' }],
  [
    'a series twice',
    'payload/duplicate',
    '1.sum.dataPoints.1',
    { attributes: [{ key: 'type', value: { stringValue: 'read' } }] },
  ],
  ['two attributes', 'payload/attributes', '1.sum.dataPoints.0', { attributes: [{ key: 'a' }, { key: 'b' }] }],
];

for (const [what, rule, path, members] of faults) {
  test(`finds ${what}`, () => {
    const later = request(1000);
    const target = at(later, `${metrics}.${path}`);
    assert.ok(Object.keys(target).length > 0, path);
    Object.assign(target, members);
    const found = new Set(payloadFindings([request(0), later], now).map((finding) => finding.rule));
    assert.ok(found.has(rule), `found ${[...found].join(', ') || 'nothing'}`);
  });
}

test('a gauge may fall', () => {
  const later = request(1000);
  const [point] = asList(at(later, `${metrics}.0.gauge`)['dataPoints']);
  asObject(point)['asDouble'] = 0.1;
  assert.deepEqual(payloadFindings([request(0), later], now), []);
});
