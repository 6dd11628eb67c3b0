// The two dashboards of the package: one of a service instance as an entity of the OpenTelemetry SDK, one of the custom entity.
import { createHash } from 'node:crypto';
import { type MetricRecord, metricPath } from '../../src/protocol/metric-registry.js';
import { type Chart, type Part, sections, type Tile, tiles } from './dashboard-plan.js';
import type { JsonObject } from './json.js';
import { seriesPath } from './metric-path.js';
import { metricOf, valuesOf } from './series.js';
import { aggregationsOf, type Dialect, formatterFamilyOf, metricPathLabels, widgetUnitOf } from './vocabulary.js';

/** A file in the folder `dashboards`. */
export interface Dashboard {
  readonly file: string;
  readonly title: string;
  readonly dialect: Dialect;
  readonly description: string;
}

/** The custom dashboard of one process. */
export const instanceDashboard: Dashboard = {
  file: 'ts-sensor-instance.json',
  title: 'TypeScript Sensor, One Instance',
  dialect: 'openTelemetry',
  description:
    'a custom dashboard of one process, selected by the `service.name` and `service.instance.id` of the import',
};

/** The dashboard that comes with the entity. */
export const entityDashboard: Dashboard = {
  file: 'ts-sensor-runtime.json',
  title: 'TypeScript Sensor Runtime',
  dialect: 'customEntity',
  description: 'the dashboard of each entity; it comes with the entity and takes no values',
};

/** The first 16 digits of a digest: stable for the same content, and short enough for an id. */
function idOf(...content: readonly string[]): string {
  return createHash('sha256').update(content.join('\n')).digest('hex').slice(0, 16);
}

function tagDefinition(name: string): JsonObject {
  return { name, type: 'STRING', availability: [], path: [{ label: 'Other' }, { label: name }] };
}

function tagFilter(name: string, value: string): JsonObject {
  return {
    type: 'TAG_FILTER',
    name,
    value,
    operator: 'EQUALS',
    entity: 'NOT_APPLICABLE',
    tagDefinition: tagDefinition(name),
  };
}

/** Lines of a grouped chart. Further lines are not shown, so there is room for every heap space of any V8. */
const maxLines = 20;

function grouping(tag: string): JsonObject {
  return {
    maxResults: maxLines,
    includeOthers: false,
    direction: 'DESC',
    by: {
      groupbyTag: tag,
      groupbyTagEntity: 'NOT_APPLICABLE',
      groupbyTagSecondLevelKey: '',
      tagDefinition: tagDefinition(tag),
    },
  };
}

const instanceFilters: readonly JsonObject[] = [
  tagFilter('otel.attribute.service.name', '{{servicename}}'),
  tagFilter('otel.attribute.service.instance.id', '{{serviceinstanceid}}'),
];

/** Maxima and minima stay maxima and minima in longer intervals. */
function aggregations({ kind, name }: MetricRecord): { aggregation: string; crossSeriesAggregation: string } {
  if (/\.(max|p99)$/.test(name)) return { aggregation: 'MAX', crossSeriesAggregation: 'MAX' };
  if (name.endsWith('.min')) return { aggregation: 'MIN', crossSeriesAggregation: 'MIN' };
  const { time, series } = aggregationsOf(kind);
  return { aggregation: time[0] ?? '', crossSeriesAggregation: series[0] ?? '' };
}

/** One line of a chart, or the figure of a tile; all series of the metric without a value. */
function metricOfWidget(dialect: Dialect, record: MetricRecord, value?: string): JsonObject {
  const ofInstance = dialect === 'openTelemetry';
  const ofSeries =
    record.attribute !== null && value !== undefined ? [tagFilter(`metric.tag.${record.attribute.key}`, value)] : [];
  return {
    metric: ofInstance ? metricPath(record) : seriesPath(record, value),
    source: 'INFRASTRUCTURE_METRICS',
    type: dialect,
    metricPath: metricPathLabels[dialect],
    metricLabel: value === undefined ? record.title : `${record.title} - ${value}`,
    unit: widgetUnitOf(record.unit),
    formatter: 'number.detailed',
    ...aggregations(record),
    allowedCrossSeriesAggregations: [],
    lastValue: false,
    timeShift: 0,
    threshold: { critical: '', warning: '', thresholdEnabled: false, operator: '>=' },
    tagFilterExpression: {
      type: 'EXPRESSION',
      logicalOperator: 'AND',
      elements: ofInstance ? [...instanceFilters, ...ofSeries] : [],
    },
  };
}

function line(dialect: Dialect, record: MetricRecord, label: string, value?: string): JsonObject {
  const isGrouped = dialect === 'openTelemetry' && record.attribute !== null && value === undefined;
  return {
    ...metricOfWidget(dialect, record, value),
    label,
    color: '',
    compareToTimeShifted: false,
    ...(isGrouped ? { grouping: [grouping(`metric.tag.${record.attribute.key}`)] } : {}),
  };
}

function linesOf(dialect: Dialect, { metric, values }: Part): JsonObject[] {
  const record = metricOf(metric);
  const single = values ?? (dialect === 'customEntity' ? valuesOf(record) : []);
  return single.length === 0
    ? [line(dialect, record, record.title)]
    : single.map((value) => line(dialect, record, value, value));
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function formatterOf({ unit }: MetricRecord): string {
  return `${formatterFamilyOf(widgetUnitOf(unit))}.detailed`;
}

function tileWidget({ file, dialect }: Dashboard, { title, metric }: Tile, place: Place): JsonObject {
  const record = metricOf(metric);
  const config = {
    formatter: formatterOf(record),
    formatterSelected: true,
    comparisonIncreaseColor: 'redish',
    comparisonDecreaseColor: 'greenish',
    metricConfiguration: metricOfWidget(dialect, record),
  };
  return { id: idOf(file, title), title, type: 'bigNumber', ...place, config };
}

function chartWidget({ file, dialect }: Dashboard, { title, parts }: Chart, place: Place): JsonObject {
  const [first] = parts;
  if (first === undefined) throw new Error(`the chart ${title} shows nothing`);
  const config = {
    type: 'TIME_SERIES',
    shareMaxAxisDomain: false,
    y1: {
      formatter: formatterOf(metricOf(first.metric)),
      renderer: 'line',
      formatterSelected: true,
      metrics: parts.flatMap((part) => linesOf(dialect, part)),
    },
    y2: { formatter: 'number.detailed', renderer: 'line', metrics: [] },
  };
  return { id: idOf(file, title), title, type: 'chart', ...place, config };
}

const tileSize = { width: 3, height: 4 };
const chartSize = { width: 6, height: 13 };
const columns = 12;

/** Places four tiles in a row, then two charts in a row. The last chart of a section takes the whole row when it is alone. */
function widgets(dashboard: Dashboard): JsonObject[] {
  const tilesInRow = columns / tileSize.width;
  const made = tiles.map((tile, index) => {
    const place = { x: (index % tilesInRow) * tileSize.width, y: Math.floor(index / tilesInRow) * tileSize.height };
    return tileWidget(dashboard, tile, { ...place, ...tileSize });
  });
  let y = Math.ceil(tiles.length / tilesInRow) * tileSize.height;
  for (const charts of sections) {
    for (const [index, chart] of charts.entries()) {
      const isLeft = index % 2 === 0;
      const width = isLeft && index === charts.length - 1 ? columns : chartSize.width;
      made.push(chartWidget(dashboard, chart, { x: isLeft ? 0 : chartSize.width, y, width, height: chartSize.height }));
      if (!isLeft) y += chartSize.height;
    }
    if (charts.length % 2 === 1) y += chartSize.height;
  }
  return made;
}

/** The content of a dashboard's file. */
export function dashboardJson(dashboard: Dashboard): JsonObject {
  return {
    id: idOf(dashboard.file),
    title: dashboard.title,
    accessRules: [{ accessType: 'READ_WRITE', relationType: 'GLOBAL', relatedId: '' }],
    widgets: widgets(dashboard),
  };
}
