// Reads an OTLP/JSON metrics request into points, each with the name, attributes and scope of its series.
import type { MetricKind } from '../../protocol/metric-registry.js';
import {
  type Attributes,
  attributesOf,
  countOf,
  doubleOf,
  isObject,
  type JsonObject,
  jsonNumber,
  objectOf,
  objectsOf,
  textOf,
  timeMsOf,
} from './values.js';

/** The content of a histogram or summary; `bounds` and `counts` only for explicit buckets. */
export interface Distribution {
  readonly count: number;
  readonly sum: number | string | null;
  readonly min: number | string | null;
  readonly max: number | string | null;
  readonly bounds?: readonly number[];
  readonly counts?: readonly number[];
}

/** A number, as text if it is not finite, or a distribution. */
export type PointValue = number | string | Distribution;

/** One point of one series. */
export interface OtlpPoint {
  readonly name: string;
  readonly scope: string;
  readonly kind: MetricKind | 'exponential-histogram' | 'summary';
  /** Whether a value counts from the last point or from the start; `null` for gauges and summaries. */
  readonly temporality: 'cumulative' | 'delta' | null;
  readonly unit: string;
  readonly attributes: Attributes;
  /** Time by the sender's clock, `null` if the point has none. */
  readonly timeMs: number | null;
  readonly value: PointValue;
}

/** The points of one resource, which is one process. */
export interface ResourcePoints {
  readonly resource: Attributes;
  readonly points: readonly OtlpPoint[];
}

/** How many points or spans were rejected, and why. */
export interface Rejection {
  count: number;
  /** The first reason. */
  reason: string;
}

type Head = Pick<OtlpPoint, 'name' | 'scope' | 'kind' | 'temporality' | 'unit'>;

const maxNameLength = 255;
const maxBuckets = 256;
const deltaTemporality = 1;
const noRecordedValue = 1;

/** Throws `MalformedOtlp` when the document has not the form of OTLP. Points that cannot be read are rejected one by one. */
export function readMetrics(document: JsonObject, rejected: Rejection): ResourcePoints[] {
  return objectsOf(document, 'resourceMetrics').map((of) => {
    const points: OtlpPoint[] = [];
    for (const scopeMetrics of objectsOf(of, 'scopeMetrics')) {
      const scope = textOf(objectOf(scopeMetrics, 'scope')['name']).slice(0, maxNameLength);
      for (const metric of objectsOf(scopeMetrics, 'metrics')) readMetric(metric, scope, points, rejected);
    }
    return { resource: attributesOf(objectOf(of, 'resource')), points };
  });
}

const readers: readonly (readonly [member: string, read: (point: JsonObject) => PointValue | null])[] = [
  ['gauge', numberValue],
  ['sum', numberValue],
  ['histogram', histogramValue],
  ['exponentialHistogram', countedValue],
  ['summary', countedValue],
];

function readMetric(metric: JsonObject, scope: string, points: OtlpPoint[], rejected: Rejection): void {
  for (const [member, read] of readers) {
    if (!isObject(metric[member])) continue;
    const section = metric[member];
    const head = headOf(metric, member, section, scope);
    for (const point of objectsOf(section, 'dataPoints')) {
      // A point without a recorded value marks the end of its series.
      if (Number(point['flags'] ?? 0) & noRecordedValue) continue;
      const value = read(point);
      if (head.name === '') reject(rejected, 'a metric needs a name');
      else if (value === null) reject(rejected, `a point of ${head.name} has no value that can be read`);
      else points.push({ ...head, attributes: attributesOf(point), timeMs: timeMsOf(point['timeUnixNano']), value });
    }
    return;
  }
}

function headOf(metric: JsonObject, member: string, section: JsonObject, scope: string): Head {
  const hasTemporality = member !== 'gauge' && member !== 'summary';
  const isDelta = section['aggregationTemporality'] === deltaTemporality;
  return {
    name: textOf(metric['name']).slice(0, maxNameLength),
    scope,
    kind: pointKind(member, section),
    temporality: hasTemporality ? (isDelta ? 'delta' : 'cumulative') : null,
    unit: textOf(metric['unit']).slice(0, maxNameLength),
  };
}

function pointKind(member: string, section: JsonObject): OtlpPoint['kind'] {
  if (member === 'sum') return section['isMonotonic'] === true ? 'counter' : 'up-down-counter';
  if (member === 'exponentialHistogram') return 'exponential-histogram';
  return member === 'gauge' || member === 'histogram' ? member : 'summary';
}

/** Counts a rejected point or span. */
export function reject(rejected: Rejection, reason: string): void {
  rejected.count++;
  if (rejected.reason === '') rejected.reason = reason;
}

function numberValue(point: JsonObject): number | string | null {
  const value = point['asInt'] === undefined ? doubleOf(point['asDouble']) : countOf(point['asInt']);
  return value === null ? null : jsonNumber(value);
}

function countedValue(point: JsonObject): Distribution | null {
  const count = countOf(point['count'] ?? 0);
  if (count === null || count < 0) return null;
  return { count, sum: memberOf(point, 'sum'), min: memberOf(point, 'min'), max: memberOf(point, 'max') };
}

function histogramValue(point: JsonObject): Distribution | null {
  const counted = countedValue(point);
  const { explicitBounds: bounds = [], bucketCounts = [] } = point;
  if (counted === null || !Array.isArray(bounds) || !Array.isArray(bucketCounts)) return null;
  const counts = bucketCounts.map(countOf);
  if (!counts.every((count) => count !== null) || !bounds.every((bound) => typeof bound === 'number')) return null;
  if (counts.length === 0 || counts.length > maxBuckets) return counted;
  return counts.length === bounds.length + 1 ? { ...counted, bounds, counts } : null;
}

function memberOf(point: JsonObject, name: string): number | string | null {
  const value = doubleOf(point[name]);
  return value === null ? null : jsonNumber(value);
}
