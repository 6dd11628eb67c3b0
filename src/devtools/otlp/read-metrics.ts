// Reads an OTLP/JSON metrics request into points, each with the name, the attributes and the scope of its series.
import type { MetricKind } from '../../protocol/metric-registry.js';
import { isObject } from '../store/received-span.js';
import {
  type Attributes,
  attributesOf,
  countOf,
  doubleOf,
  type JsonObject,
  objectOf,
  objectsOf,
  shownNumber,
  textOf,
  timeMsOf,
} from './values.js';

/** What a histogram or a summary has counted; bounds and counts where it has explicit ones. */
export interface Distribution {
  readonly count: number;
  readonly sum: number | string | null;
  readonly min: number | string | null;
  readonly max: number | string | null;
  readonly bounds?: readonly number[];
  readonly counts?: readonly number[];
}

/** A number, as text where it is not finite. */
export type PointValue = number | string | Distribution;

/** One point of one series. */
export interface OtlpPoint {
  readonly name: string;
  readonly scope: string;
  readonly kind: MetricKind | 'exponential-histogram' | 'summary';
  /** Whether values are those since the last point, `null` where there is no such difference. */
  readonly temporality: 'cumulative' | 'delta' | null;
  readonly unit: string;
  readonly attributes: Attributes;
  /** By the sender's clock; `null` when it did not say. */
  readonly timeMs: number | null;
  readonly value: PointValue;
}

/** What came from one resource, which is one process. */
export interface ResourcePoints {
  readonly resource: Attributes;
  readonly points: readonly OtlpPoint[];
}

/** Why points were not taken, and how many. */
export interface Rejection {
  count: number;
  /** The first reason. */
  reason: string;
}

type Head = Pick<OtlpPoint, 'name' | 'scope' | 'kind' | 'temporality' | 'unit'>;

const maximumNameLength = 255;
const maximumBuckets = 256;
const deltaTemporality = 1;
const noRecordedValue = 1;

/** Throws `MalformedOtlp` when the document has not the form of OTLP. Points that cannot be read are rejected one by one. */
export function readMetrics(document: JsonObject, rejected: Rejection): ResourcePoints[] {
  return objectsOf(document, 'resourceMetrics').map((of) => {
    const points: OtlpPoint[] = [];
    for (const scopeMetrics of objectsOf(of, 'scopeMetrics')) {
      const scope = textOf(objectOf(scopeMetrics, 'scope')['name']).slice(0, maximumNameLength);
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
      // A series that has ended says so with a point without a value.
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
    name: textOf(metric['name']).slice(0, maximumNameLength),
    scope,
    kind: kindOf(member, section),
    temporality: hasTemporality ? (isDelta ? 'delta' : 'cumulative') : null,
    unit: textOf(metric['unit']).slice(0, maximumNameLength),
  };
}

function kindOf(member: string, section: JsonObject): OtlpPoint['kind'] {
  if (member === 'sum') return section['isMonotonic'] === true ? 'counter' : 'up-down-counter';
  if (member === 'exponentialHistogram') return 'exponential-histogram';
  return member === 'gauge' || member === 'histogram' ? member : 'summary';
}

/** Counts a point that is not taken. */
export function reject(rejected: Rejection, reason: string): void {
  rejected.count++;
  if (rejected.reason === '') rejected.reason = reason;
}

function numberValue(point: JsonObject): number | string | null {
  const value = point['asInt'] === undefined ? doubleOf(point['asDouble']) : countOf(point['asInt']);
  return value === null ? null : shownNumber(value);
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
  if (counts.length === 0 || counts.length > maximumBuckets) return counted;
  return counts.length === bounds.length + 1 ? { ...counted, bounds, counts } : null;
}

function memberOf(point: JsonObject, name: string): number | string | null {
  const value = doubleOf(point[name]);
  return value === null ? null : shownNumber(value);
}
