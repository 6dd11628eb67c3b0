// The words of Instana's interfaces for dashboards, custom entities and custom events, and their units for those of OpenTelemetry.
import type { MetricKind } from '../../src/protocol/metric-registry.js';

/** Limits of the interfaces. */
export const limits = {
  widgets: 128,
  idLength: 64,
  columns: 12,
  queryLength: 2048,
  metricNameLength: 512,
  nameLength: 256,
  rules: 5,
} as const;

/** What the interface for dashboards accepts. */
export const widgetTypes: readonly string[] = ['chart', 'bigNumber', 'table', 'topList', 'pie', 'histogram'];
export const widgetUnits: readonly string[] = ['number', 'byte', 'milisecond', 'microsecond', 'second', 'percentage'];
export const widgetFormatters: readonly string[] = ['number', 'bytes', 'millis', 'percentage'].flatMap((family) => [
  `${family}.detailed`,
  `${family}.compact`,
]);

const percentiles = ['P25', 'P50', 'P75', 'P90', 'P95', 'P98', 'P99', 'P99_9', 'P99_99'];
export const widgetAggregations: readonly string[] = [
  ...['SUM', 'MEAN', 'MAX', 'MIN', 'DISTINCT_COUNT', 'SUM_POSITIVE', 'PER_SECOND', 'INCREASE'],
  ...percentiles,
];

export const entityFormatters: readonly string[] = [
  ...['NUMBER', 'BYTES', 'KILO_BYTES', 'MEGA_BYTES', 'PERCENTAGE', 'PERCENTAGE_100', 'PERCENTAGE_NO_CAPPING'],
  ...['PERCENTAGE_100_NO_CAPPING', 'LATENCY', 'NANOS', 'MICROS', 'MILLIS', 'SECONDS', 'RATE', 'BYTE_RATE', 'UNDEFINED'],
];
export const entityAggregations: readonly string[] = ['AVG', 'SUM'];

export const eventAggregations: readonly string[] = ['sum', 'avg', 'min', 'max', 'absolute_diff', 'relative_diff'];
export const eventOperators: readonly string[] = ['>', '>=', '<', '<=', '=', '!='];
export const eventSeverities: readonly number[] = [5, 10];
/** A query for entities of OpenTelemetry. */
export const openTelemetryQuery: RegExp = /\bentity\.type:"?(?:opentelemetry|otel)"?(?![\w-])/i;

/** The way to name a metric: as one of the custom entity or of the OpenTelemetry SDK. */
export type Dialect = 'openTelemetry' | 'customEntity';

/** The labels of the two ways. */
export const metricPathLabels: Readonly<Record<Dialect, readonly [string, string]>> = {
  openTelemetry: ['Others', 'OpenTelemetry SDK'],
  customEntity: ['Custom Entity', 'Custom Entity'],
};

/** The unit of a widget for a metric's unit. */
export function widgetUnitOf(unit: string): string {
  if (unit === 's') return 'second';
  if (unit === 'ms') return 'milisecond';
  if (unit === 'By' || unit === 'By/s') return 'byte';
  return unit === '1' ? 'percentage' : 'number';
}

const families: Readonly<Record<string, string>> = {
  byte: 'bytes',
  milisecond: 'millis',
  microsecond: 'millis',
  second: 'millis',
  percentage: 'percentage',
};

/** The family of formatters for a widget's unit; one family formats all units of time. */
export function formatterFamilyOf(widgetUnit: string): string {
  return families[widgetUnit] ?? 'number';
}

/** The custom entity's formatter for a metric's unit. Processor time may exceed one core, so no ratio is capped. */
export function entityFormatterOf(unit: string): string {
  if (unit === 's') return 'SECONDS';
  if (unit === 'ms') return 'MILLIS';
  if (unit === 'By') return 'BYTES';
  if (unit === 'By/s') return 'BYTE_RATE';
  if (unit === '1') return 'PERCENTAGE_NO_CAPPING';
  return unit.endsWith('/s') ? 'RATE' : 'NUMBER';
}

/** The sensible aggregations of a kind of metric, over time and across series. */
export function aggregationsOf(kind: MetricKind): {
  readonly time: readonly string[];
  readonly series: readonly string[];
} {
  if (kind === 'counter') return { time: ['PER_SECOND', 'INCREASE'], series: ['SUM'] };
  const plain = ['MEAN', 'MAX', 'MIN'];
  return { time: kind === 'histogram' ? [...plain, ...percentiles] : plain, series: plain };
}
