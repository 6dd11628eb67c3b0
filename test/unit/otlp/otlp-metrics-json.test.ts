// The OTLP document of metrics: nothing of it is lost on a way through the official protobuf definitions.
import assert from 'node:assert/strict';
import test from 'node:test';
import { plainJson } from '../../../src/core/plain-json.js';
import type { MetricReadings, Reading } from '../../../src/metrics/reading.js';
import { encodeMetrics } from '../../../src/otlp/otlp-metrics-json.js';
import { type MetricRecord, metricRegistry, metricScope } from '../../../src/protocol/metric-registry.js';
import { throughProtobuf, withoutEmptyLists } from '../../support/otlp.js';

const resource = [
  { key: 'service.name', value: { stringValue: 'shop' } },
  { key: 'process.pid', value: { intValue: '4242' } },
];
const sender = { resource, sensorVersion: '1.2.3' };
const times = { timeMs: 1_790_000_010_000, startMs: 1_790_000_000_500, processStartMs: 1_790_000_000_000 };

interface DataPoint {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano: string;
  readonly asInt?: string;
  readonly asDouble?: number;
}

interface Encoded {
  readonly name: string;
  readonly unit: string;
  readonly sum?: { readonly isMonotonic: boolean; readonly dataPoints: readonly DataPoint[] };
  readonly gauge?: { readonly dataPoints: readonly DataPoint[] };
  readonly histogram?: { readonly dataPoints: readonly DataPoint[] };
}

/** A reading of each metric, with two series where it has an attribute. */
function readingOf({ name, kind, attribute }: MetricRecord, value: number): Reading {
  const attributes = attribute === null ? [undefined] : (attribute.values ?? ['old_space', 'new_space']).slice(0, 2);
  const points = attributes.map((own) => {
    const series = own === undefined ? {} : { attribute: own };
    if (kind !== 'histogram') return { ...series, value };
    return { ...series, count: 3, sum: 0.25, min: 0.05, max: 0.1, bounds: [0.01, 1], bucketCounts: [0, 3, 0] };
  });
  return { name, points };
}

function encode(readings: readonly Reading[], more: Partial<MetricReadings> = {}): unknown {
  return JSON.parse(plainJson(encodeMetrics(sender, { ...times, ...more, readings })));
}

function metricsOf(document: unknown): readonly Encoded[] {
  const { resourceMetrics } = document as { resourceMetrics: { scopeMetrics: { metrics: Encoded[] }[] }[] };
  return resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? [];
}

function pointsOf({ sum, gauge, histogram }: Encoded): readonly DataPoint[] {
  return (sum ?? gauge ?? histogram)?.dataPoints ?? [];
}

test('every metric comes back from the official protobuf definitions as it was', () => {
  const document = encode(metricRegistry.map((record) => readingOf(record, 1234.5)));
  assert.equal(metricsOf(document).length, metricRegistry.length);
  assert.deepEqual(throughProtobuf('metrics', document), withoutEmptyLists(document));
});

test('the judge would see a misspelt name', () => {
  const document = encode(metricRegistry.map((record) => readingOf(record, 1)));
  const misspelt = JSON.parse(JSON.stringify(document).replaceAll('isMonotonic', 'is_monotonic'));
  assert.notDeepEqual(throughProtobuf('metrics', misspelt), withoutEmptyLists(misspelt));
});

test('is as the specification shows it', () => {
  const readings: Reading[] = [
    { name: 'process.runtime.nodejs.cpu_time', points: [{ attribute: 'user', value: 1.25 }] },
    { name: 'system.disk.io', isSinceStart: true, points: [{ attribute: 'read', value: 512 }] },
    { name: 'process.runtime.nodejs.cpu.utilization', points: [{ value: 0.5 }] },
    {
      name: 'v8js.gc.duration',
      isSinceStart: true,
      points: [{ attribute: 'major', count: 2, sum: 0.03, min: 0.01, max: 0.02, bounds: [0.01], bucketCounts: [1, 1] }],
    },
  ];
  const attribute = (key: string, value: string): unknown => [{ key, value: { stringValue: value } }];
  const timeUnixNano = '1790000010000000000';
  assert.deepEqual(encode(readings), {
    resourceMetrics: [
      {
        resource: { attributes: resource },
        scopeMetrics: [
          {
            scope: { name: metricScope, version: '1.2.3' },
            metrics: [
              {
                name: 'process.runtime.nodejs.cpu.utilization',
                unit: '1',
                description:
                  'CPU time of the process over elapsed time; a share of one core, more than 1 when several are busy',
                gauge: { dataPoints: [{ attributes: [], timeUnixNano, asDouble: 0.5 }] },
              },
              {
                name: 'process.runtime.nodejs.cpu_time',
                unit: 's',
                description: 'CPU time of the process, by mode',
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: true,
                  dataPoints: [
                    {
                      attributes: attribute('type', 'user'),
                      startTimeUnixNano: '1790000000000000000',
                      timeUnixNano,
                      asDouble: 1.25,
                    },
                  ],
                },
              },
              {
                name: 'v8js.gc.duration',
                unit: 's',
                description: 'Duration of garbage collections, by type',
                histogram: {
                  aggregationTemporality: 2,
                  dataPoints: [
                    {
                      attributes: attribute('v8js.gc.type', 'major'),
                      startTimeUnixNano: '1790000000500000000',
                      timeUnixNano,
                      count: '2',
                      sum: 0.03,
                      min: 0.01,
                      max: 0.02,
                      explicitBounds: [0.01],
                      bucketCounts: ['1', '1'],
                    },
                  ],
                },
              },
              {
                name: 'system.disk.io',
                unit: 'By',
                description:
                  'Bytes that all processes have read from and written to the disks of the host, since the start of the sensor',
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: true,
                  dataPoints: [
                    {
                      attributes: attribute('direction', 'read'),
                      startTimeUnixNano: '1790000000500000000',
                      timeUnixNano,
                      asInt: '512',
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  });
});

test('a point that is no finite number is left out, and a metric without points as well', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const readings = metricRegistry
      .filter(({ kind }) => kind !== 'histogram')
      .map((record) => {
        const { name, points } = readingOf(record, value);
        return { name, points: points.length === 1 ? points : [...points.slice(1), { attribute: 'good', value: 7 }] };
      });
    const metrics = metricsOf(encode(readings));
    assert.deepEqual(
      metrics.map(({ name }) => name),
      metricRegistry
        .filter(({ attribute, kind }) => attribute !== null && kind !== 'histogram')
        .map(({ name }) => name),
    );
    for (const metric of metrics) assert.equal(pointsOf(metric).length, 1, metric.name);
  }
  const histogram = { count: 1, sum: Number.NaN, bounds: [1], bucketCounts: [1, 0] };
  assert.deepEqual(metricsOf(encode([{ name: 'v8js.gc.duration', points: [histogram] }])), []);
});

test('what is counted in whole things is a text of digits, what is measured is a number', () => {
  const kinds = new Map<string, Set<string>>();
  for (const metric of metricsOf(encode(metricRegistry.map((record) => readingOf(record, 4e9))))) {
    for (const { asInt, asDouble } of pointsOf(metric)) {
      if (asInt !== undefined) assert.equal(asInt, '4000000000');
      if (asInt === undefined && asDouble === undefined) continue; // a histogram
      kinds.set(metric.unit, (kinds.get(metric.unit) ?? new Set()).add(asInt === undefined ? 'double' : 'int'));
    }
  }
  const shown = Object.fromEntries([...kinds].map(([unit, seen]) => [unit, [...seen].join()]));
  assert.deepEqual(shown, {
    '1': 'double',
    s: 'double',
    By: 'int',
    'By/s': 'double',
    '{switch}': 'int',
    '{switch}/s': 'double',
    '{collection}': 'int',
    '{collection}/s': 'double',
    '{thread}': 'int',
    '{resource}': 'int',
  });
});

test('a series does not end before it starts when the clock of the machine was set back', () => {
  const readings = metricRegistry.map((record): Reading => ({ ...readingOf(record, 1), isSinceStart: true }));
  for (const metric of metricsOf(encode(readings, { timeMs: times.startMs - 3_600_000 }))) {
    for (const { startTimeUnixNano, timeUnixNano } of pointsOf(metric)) {
      if (startTimeUnixNano !== undefined) assert.ok(BigInt(startTimeUnixNano) <= BigInt(timeUnixNano), metric.name);
    }
  }
});
