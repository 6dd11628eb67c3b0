// Checks what the protobuf definitions of OTLP cannot: times, buckets and sums, within a request and from one to the next.
import { asList, asObject, asText, type JsonObject } from './json.js';
import { expect, type Finding } from './package-folder.js';

interface Point {
  /** The metric and its attributes. */
  readonly series: string;
  readonly path: string;
  readonly json: JsonObject;
  readonly kind: 'gauge' | 'sum' | 'histogram';
  readonly data: JsonObject;
}

const kinds = ['gauge', 'sum', 'histogram'] as const;
const digits = /^\d+$/;
const cumulative = 2;
/** Points further from now have a wrong time. */
const maxAgeMs = 600_000;

function metricsOf(body: unknown): { readonly scope: string; readonly json: JsonObject }[] {
  return asList(asObject(body)['resourceMetrics']).flatMap((resource) =>
    asList(asObject(resource)['scopeMetrics']).flatMap((entry) => {
      const scope = asText(asObject(asObject(entry)['scope'])['name']) ?? '';
      return asList(asObject(entry)['metrics']).map((metric) => ({ scope, json: asObject(metric) }));
    }),
  );
}

function pointsOf(body: unknown): Point[] {
  return metricsOf(body).flatMap(({ scope, json }) =>
    kinds.flatMap((kind) => {
      const data = asObject(json[kind]);
      const name = `${scope}/${String(json['name'])}`;
      return asList(data['dataPoints']).map((entry) => {
        const point = asObject(entry);
        return { series: `${name}${JSON.stringify(point['attributes'] ?? [])}`, path: name, json: point, kind, data };
      });
    }),
  );
}

type At = (holds: boolean, path: string, rule: string, message: string) => Finding[];

/** Nanoseconds since 1970; null for anything but a text of digits. */
function nanos(value: unknown): bigint | null {
  const text = asText(value);
  return text !== null && digits.test(text) ? BigInt(text) : null;
}

function timeFindings({ path, json, kind }: Point, now: number, at: At): Finding[] {
  const time = nanos(json['timeUnixNano']);
  const start = nanos(json['startTimeUnixNano']);
  const ageMs = time === null ? Number.POSITIVE_INFINITY : now - Number(time / 1_000_000n);
  return [
    ...at(Math.abs(ageMs) < maxAgeMs, path, 'payload/time', 'the time must be a text of nanoseconds near now'),
    ...at(
      kind === 'gauge' || (start !== null && time !== null && start <= time),
      path,
      'payload/start',
      'a sum must have a start that is not later than its time',
    ),
  ];
}

/** Whether a value has the form of OTLP/JSON: integers as texts, other numbers as numbers. */
function isNumber({ asInt, asDouble }: JsonObject): boolean {
  if (asInt !== undefined) return asDouble === undefined && /^-?\d+$/.test(asText(asInt) ?? '');
  return typeof asDouble === 'number' && Number.isFinite(asDouble);
}

function histogramFindings({ path, json }: Point, at: At): Finding[] {
  const counts = asList(json['bucketCounts']);
  const bounds = asList(json['explicitBounds']);
  const areTexts = [...counts, json['count']].every((count) => digits.test(asText(count) ?? ''));
  const total = areTexts ? counts.reduce<bigint>((sum, count) => sum + BigInt(String(count)), 0n) : null;
  const isRising = bounds.every((bound, index) => index === 0 || Number(bounds[index - 1]) < Number(bound));
  return [
    ...at(areTexts, path, 'payload/number', 'counts must be texts of digits'),
    ...at(counts.length === bounds.length + 1, path, 'payload/buckets', 'there must be one bucket more than bounds'),
    ...at(isRising, path, 'payload/buckets', 'the bounds must rise'),
    ...at(
      total === null || String(total) === json['count'],
      path,
      'payload/buckets',
      'the buckets must add up to the count',
    ),
  ];
}

function pointFindings(point: Point, now: number, at: At): Finding[] {
  const { path, json, kind, data } = point;
  return [
    ...timeFindings(point, now, at),
    ...at(
      kind === 'gauge' || data['aggregationTemporality'] === cumulative,
      path,
      'payload/temporality',
      'sums and histograms must be cumulative',
    ),
    ...at(
      asList(json['attributes']).length <= 1,
      path,
      'payload/attributes',
      'a series may have one attribute at most',
    ),
    ...(kind === 'histogram'
      ? histogramFindings(point, at)
      : at(isNumber(json), path, 'payload/number', 'the value must be a finite number, or the text of an integer')),
  ];
}

function repeatedOf(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

function rank({ json }: Point): number {
  return Number(json['asDouble'] ?? json['asInt'] ?? json['count']);
}

function nextFindings(earlier: Point, later: Point, at: At): Finding[] {
  const mayFall = later.kind === 'gauge' || (later.kind === 'sum' && later.data['isMonotonic'] !== true);
  return [
    ...at(mayFall || rank(later) >= rank(earlier), later.path, 'payload/falls', 'a counter has fallen'),
    ...at(
      later.kind === 'gauge' || earlier.json['startTimeUnixNano'] === later.json['startTimeUnixNano'],
      later.path,
      'payload/start',
      'the start of a sum must not change',
    ),
    ...at(
      (nanos(later.json['timeUnixNano']) ?? 0n) > (nanos(earlier.json['timeUnixNano']) ?? 0n),
      later.path,
      'payload/time',
      'the later request is not later',
    ),
  ];
}

/** Findings in the requests of one process, in their order. `now` is when they arrived, in milliseconds. */
export function payloadFindings(bodies: readonly unknown[], now: number = Date.now()): Finding[] {
  const last = new Map<string, Point>();
  return bodies.flatMap((body, index) => {
    const at: At = (holds, path, rule, message) => expect(holds, `request ${index + 1}`, path, rule, message);
    const points = pointsOf(body);
    const names = metricsOf(body).map(({ scope, json }) => `${scope}/${String(json['name'])}`);
    const findings = [
      ...repeatedOf(names).flatMap((name) => at(false, name, 'payload/duplicate', 'it is sent twice')),
      ...repeatedOf(points.map(({ series }) => series)).flatMap((series) =>
        at(false, series, 'payload/duplicate', 'the series is sent twice'),
      ),
      ...points.flatMap((point) => {
        const earlier = last.get(point.series);
        return [...pointFindings(point, now, at), ...(earlier === undefined ? [] : nextFindings(earlier, point, at))];
      }),
    ];
    for (const point of points) last.set(point.series, point);
    return findings;
  });
}
