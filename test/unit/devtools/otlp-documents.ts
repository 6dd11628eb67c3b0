// Documents of OTLP/JSON as exporters of OpenTelemetry write them.
import { metricScope } from '../../../src/protocol/metric-registry.js';

type Attributes = Readonly<Record<string, string | number | boolean>>;
type Json = Readonly<Record<string, unknown>>;

/** The list of key and value. */
export function attributes(values: Attributes): unknown[] {
  return Object.entries(values).map(([key, value]) => {
    if (typeof value === 'string') return { key, value: { stringValue: value } };
    if (typeof value === 'boolean') return { key, value: { boolValue: value } };
    return { key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } };
  });
}

/** Nanoseconds of a time in milliseconds, as text. */
export function nanoseconds(timeMs: number): string {
  return String(BigInt(Math.round(timeMs * 1000)) * 1000n);
}

/** A gauge with one series that has no attributes. */
export function gauge(name: string, value: number, unit: string = '1'): Json {
  return { name, unit, gauge: { dataPoints: [{ timeUnixNano: nanoseconds(Date.now()), asDouble: value }] } };
}

/** A cumulative sum with a series for each value of an attribute. */
export function sum(name: string, unit: string, key: string, values: Readonly<Record<string, number>>): Json {
  const dataPoints = Object.entries(values).map(([value, count]) => ({
    attributes: attributes({ [key]: value }),
    startTimeUnixNano: nanoseconds(1_700_000_000_000),
    timeUnixNano: nanoseconds(Date.now()),
    asInt: String(count),
  }));
  return { name, unit, sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } };
}

/** A request of one process. */
export function metricsDocument(
  resource: Attributes,
  metrics: readonly unknown[],
  scope: string = metricScope,
): { resourceMetrics: unknown[] } {
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributes(resource) },
        scopeMetrics: [{ scope: { name: scope, version: '1.0.0' }, metrics }],
      },
    ],
  };
}

/** A request of one process. */
export function tracesDocument(resource: Attributes, spans: readonly unknown[]): { resourceSpans: unknown[] } {
  return {
    resourceSpans: [
      { resource: { attributes: attributes(resource) }, scopeSpans: [{ scope: { name: 'instrumentation' }, spans }] },
    ],
  };
}

export const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

/** A served request of 34 ms, as today's conventions have it. */
export function serverSpan(parts: Json = {}, tags: Attributes = {}): Json {
  return {
    traceId,
    spanId: '00f067aa0ba902b7',
    name: 'GET /orders/:id',
    kind: 2,
    startTimeUnixNano: nanoseconds(1_700_000_000_000),
    endTimeUnixNano: nanoseconds(1_700_000_000_034),
    attributes: attributes({
      'http.request.method': 'GET',
      'http.route': '/orders/:id',
      'url.path': '/orders/7',
      'url.query': 'full=1',
      'http.response.status_code': 200,
      'server.address': 'shop.example',
      ...tags,
    }),
    ...parts,
  };
}

/** A call of 12 ms inside of it. */
export function clientSpan(parts: Json = {}): Json {
  return {
    traceId,
    spanId: '00f067aa0ba902b8',
    parentSpanId: '00f067aa0ba902b7',
    name: 'GET',
    kind: 3,
    startTimeUnixNano: nanoseconds(1_700_000_000_005),
    endTimeUnixNano: nanoseconds(1_700_000_000_017),
    attributes: attributes({
      'http.request.method': 'GET',
      'url.full': 'http://127.0.0.1:4002/stock/7?x=1',
      'http.response.status_code': 500,
    }),
    status: { code: 2, message: 'the stock is being counted' },
    ...parts,
  };
}
