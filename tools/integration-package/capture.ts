// Reads what a process has sent: export requests in OTLP/JSON, as a receiver reads them.
import type { MetricKind } from '../../src/protocol/metric-registry.js';
import { asList, asObject, asText, type JsonObject } from './json.js';

/** A series of a metric. */
export interface CapturedSeries {
  readonly attributes: Readonly<Record<string, string>>;
  /** The last value of a number, or the last count of a histogram. */
  readonly value: number;
}

/** A metric that was sent. */
export interface CapturedMetric {
  readonly scope: string;
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: string;
  /** The series by their serialised attributes. */
  readonly series: ReadonlyMap<string, CapturedSeries>;
}

/** The content of export requests. */
export interface Capture {
  /** The metrics by scope and name, as in a path. */
  readonly metrics: ReadonlyMap<string, CapturedMetric>;
  /** The resource attributes of all processes in the capture, with their values. */
  readonly resource: ReadonlyMap<string, ReadonlySet<string>>;
}

function valueText(value: unknown): string {
  const { stringValue, intValue, doubleValue, boolValue } = asObject(value);
  return String(stringValue ?? intValue ?? doubleValue ?? boolValue ?? '');
}

function attributesOf(list: unknown): Record<string, string> {
  return Object.fromEntries(
    asList(list).map((entry) => [asText(asObject(entry)['key']) ?? '', valueText(asObject(entry)['value'])]),
  );
}

function kindOf({ gauge, sum, histogram }: JsonObject): MetricKind | null {
  if (gauge !== undefined) return 'gauge';
  if (histogram !== undefined) return 'histogram';
  if (sum === undefined) return null;
  return asObject(sum)['isMonotonic'] === true ? 'counter' : 'up-down-counter';
}

interface OpenMetric extends CapturedMetric {
  readonly series: Map<string, CapturedSeries>;
}

function addMetric(metrics: Map<string, OpenMetric>, scope: string, json: JsonObject): void {
  const name = asText(json['name']) ?? '';
  const kind = kindOf(json);
  if (kind === null) return;
  const key = `${scope}/${name}`;
  const metric = metrics.get(key) ?? { scope, name, kind, unit: asText(json['unit']) ?? '', series: new Map() };
  metrics.set(key, metric);
  const { dataPoints } = asObject(json['gauge'] ?? json['sum'] ?? json['histogram']);
  for (const entry of asList(dataPoints)) {
    const point = asObject(entry);
    const attributes = attributesOf(point['attributes']);
    const value = Number(point['asDouble'] ?? point['asInt'] ?? point['count']);
    metric.series.set(JSON.stringify(Object.entries(attributes).sort()), { attributes, value });
  }
}

/** Reads the bodies of requests in their order; the last value of each series counts. */
export function readCapture(bodies: readonly unknown[]): Capture {
  const metrics = new Map<string, OpenMetric>();
  const resource = new Map<string, Set<string>>();
  for (const resourceMetrics of bodies.flatMap((body) => asList(asObject(body)['resourceMetrics'])).map(asObject)) {
    for (const [key, value] of Object.entries(attributesOf(asObject(resourceMetrics['resource'])['attributes'])))
      resource.set(key, (resource.get(key) ?? new Set()).add(value));
    for (const scopeMetrics of asList(resourceMetrics['scopeMetrics']).map(asObject)) {
      const scope = asText(asObject(scopeMetrics['scope'])['name']) ?? '';
      for (const metric of asList(scopeMetrics['metrics'])) addMetric(metrics, scope, asObject(metric));
    }
  }
  return { metrics, resource };
}
