// Runtime metrics as OTLP/JSON: the body of `POST /v1/metrics` (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
import type { HistogramPoint, MetricReadings, NumberPoint, Reading } from '../metrics/reading.js';
import { type MetricRecord, type MetricUnit, metricRegistry, metricScope } from '../protocol/metric-registry.js';

/** Who sends. */
export interface MetricsOrigin {
  /** Attributes of the resource, as OTLP/JSON has them. */
  readonly resource: readonly object[];
  readonly sensorVersion: string;
}

const cumulative = 2;
const wholeUnits: ReadonlySet<MetricUnit> = new Set(['By', '{switch}', '{thread}', '{collection}', '{resource}']);

/**
 * An ExportMetricsServiceRequest in the order of the registry. A point that is no finite number is left out, and a metric without points
 * as well.
 */
export function encodeMetrics(sender: MetricsOrigin, read: MetricReadings): Record<string, unknown> {
  const byName = new Map(read.readings.map((reading) => [reading.name, reading]));
  const metrics = metricRegistry.flatMap((record) => {
    const reading = byName.get(record.name);
    return reading === undefined ? [] : encodeMetric(record, reading, read);
  });
  return {
    resourceMetrics: [
      {
        resource: { attributes: sender.resource },
        scopeMetrics: [{ scope: { name: metricScope, version: sender.sensorVersion }, metrics }],
      },
    ],
  };
}

function encodeMetric(
  record: MetricRecord,
  reading: Reading,
  read: MetricReadings,
): readonly Record<string, unknown>[] {
  const dataPoints = reading.points.flatMap((point) => {
    const content = 'bounds' in point ? histogramContent(point) : numberContent(point, record.unit);
    return content === null ? [] : [{ ...pointFrame(record, reading, read, point.attribute), ...content }];
  });
  if (dataPoints.length === 0) return [];
  const { name, unit, description } = record;
  return [{ name, unit, description, ...wrap(record, dataPoints) }];
}

function wrap({ kind }: MetricRecord, dataPoints: readonly unknown[]): Record<string, unknown> {
  if (kind === 'gauge') return { gauge: { dataPoints } };
  if (kind === 'histogram') return { histogram: { aggregationTemporality: cumulative, dataPoints } };
  return { sum: { aggregationTemporality: cumulative, isMonotonic: kind === 'counter', dataPoints } };
}

function pointFrame(
  { kind, attribute }: MetricRecord,
  { isSinceStart }: Reading,
  { timeMs, startMs, processStartMs }: MetricReadings,
  value: string | undefined,
): Record<string, unknown> {
  const since = isSinceStart === true ? startMs : processStartMs;
  return {
    attributes:
      attribute === null || value === undefined ? [] : [{ key: attribute.key, value: { stringValue: value } }],
    ...(kind === 'gauge' ? {} : { startTimeUnixNano: nanoseconds(since) }),
    // A clock that was set back must not make a series end before it starts.
    timeUnixNano: nanoseconds(kind === 'gauge' ? timeMs : Math.max(timeMs, since)),
  };
}

function numberContent({ value }: NumberPoint, unit: MetricUnit): Record<string, unknown> | null {
  if (!wholeUnits.has(unit)) return Number.isFinite(value) ? { asDouble: value } : null;
  const whole = Math.round(value);
  return Number.isSafeInteger(whole) ? { asInt: `${whole}` } : null;
}

function histogramContent({
  count,
  sum,
  min,
  max,
  bounds,
  bucketCounts,
}: HistogramPoint): Record<string, unknown> | null {
  if (![sum, min ?? 0, max ?? 0].every(Number.isFinite)) return null;
  return {
    count: `${count}`,
    sum,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    explicitBounds: bounds,
    bucketCounts: bucketCounts.map(String),
  };
}

/** As text: a number of this size would lose its last digits. */
function nanoseconds(milliseconds: number): string {
  return `${Math.round(milliseconds)}000000`;
}
