// Every reference of a package to a metric or a tag.
import { asList, asObject, asText, type JsonObject } from './json.js';
import { type ParsedPath, parseMetricPath } from './metric-path.js';
import type { JsonFile, PackageFolder } from './package-folder.js';

/** A filter on a tag. */
export interface TagFilter {
  readonly path: string;
  readonly name: string;
  readonly operator: string;
  readonly value: unknown;
}

/** Where a reference is. */
export type Use = 'chart' | 'tile' | 'entity' | 'event' | 'alert';

/** A reference to a metric. */
export interface MetricReference {
  readonly file: string;
  /** The path of the object that contains the reference. */
  readonly path: string;
  /** The member that contains the metric's path. */
  readonly member: 'metric' | 'name' | 'metricName';
  readonly use: Use;
  readonly metric: string;
  readonly parsed: ParsedPath | null;
  /** The title of the widget, or the name of the event. */
  readonly title: string;
  readonly label: string | null;
  readonly filters: readonly TagFilter[];
  readonly groupBy: readonly {
    readonly path: string;
    readonly tag: string;
    /** The number of series that are shown at most; null when all are shown, if only as a line of others. */
    readonly maxSeries: number | null;
  }[];
  /** The formatter of the axis or the tile; null for other uses. */
  readonly axisFormatter: string | null;
  readonly json: JsonObject;
}

/** The filters of an expression and of the expressions inside it. */
export function filtersOf(expression: unknown, path: string): TagFilter[] {
  const { type, name, operator, value, elements } = asObject(expression);
  if (type === 'TAG_FILTER') {
    return [{ path, name: asText(name) ?? '', operator: asText(operator) ?? '', value }];
  }
  return asList(elements).flatMap((element, index) => filtersOf(element, `${path}.elements[${index}]`));
}

interface Place {
  readonly file: string;
  readonly path: string;
  readonly title: string;
  readonly use: Use;
  readonly member: MetricReference['member'];
  readonly axisFormatter?: string | null;
}

function reference(json: JsonObject, { file, path, title, use, member, axisFormatter }: Place): MetricReference {
  const metric = asText(json[member]) ?? '';
  const expression = json['tagFilterExpression'] === undefined ? 'metricTagFilterExpression' : 'tagFilterExpression';
  return {
    file,
    path,
    member,
    use,
    metric,
    parsed: parseMetricPath(metric),
    title,
    label: asText(json['label']),
    filters: filtersOf(json[expression], `${path}.${expression}`),
    groupBy: asList(json['grouping']).flatMap((entry, index) => {
      const { by, maxResults, includeOthers } = asObject(entry);
      const tag = asText(asObject(by)['groupbyTag']);
      const maxSeries = includeOthers === true || typeof maxResults !== 'number' ? null : maxResults;
      return tag === null ? [] : [{ path: `${path}.grouping[${index}].by.groupbyTag`, tag, maxSeries }];
    }),
    axisFormatter: axisFormatter ?? null,
    json,
  };
}

function ofWidget(file: string, widget: JsonObject, path: string): MetricReference[] {
  const config = asObject(widget['config']);
  const title = asText(widget['title']) ?? '';
  const axes = ['y1', 'y2'].flatMap((axis) => {
    const { metrics, formatter } = asObject(config[axis]);
    return asList(metrics).map((metric, index) =>
      reference(asObject(metric), {
        file,
        path: `${path}.config.${axis}.metrics[${index}]`,
        title,
        use: 'chart',
        member: 'metric',
        axisFormatter: asText(formatter),
      }),
    );
  });
  if (config['metricConfiguration'] === undefined) return axes;
  const tile = reference(asObject(config['metricConfiguration']), {
    file,
    path: `${path}.config.metricConfiguration`,
    title,
    use: 'tile',
    member: 'metric',
    axisFormatter: asText(config['formatter']),
  });
  return [...axes, tile];
}

function ofDashboard({ file, json }: JsonFile): MetricReference[] {
  return asList(asObject(json)['widgets']).flatMap((widget, index) =>
    ofWidget(file, asObject(widget), `widgets[${index}]`),
  );
}

function ofEntity({ file, json }: JsonFile): MetricReference[] {
  const data = asObject(asObject(json)['data']);
  return asList(data['metrics']).map((metric, index) => {
    const path = `data.metrics[${index}]`;
    return reference(asObject(metric), {
      file,
      path,
      title: asText(data['label']) ?? '',
      use: 'entity',
      member: 'name',
    });
  });
}

function ofEvent({ file, json }: JsonFile): MetricReference[] {
  const event = asObject(json);
  const title = asText(event['name']) ?? '';
  return asList(event['rules']).map((rule, index) =>
    reference(asObject(rule), { file, path: `rules[${index}]`, title, use: 'event', member: 'metricName' }),
  );
}

function ofAlert({ file, json }: JsonFile): MetricReference[] {
  const alert = asObject(json);
  const title = asText(alert['name']) ?? '';
  const single = alert['rule'] === undefined ? [] : [{ rule: alert['rule'], path: 'rule' }];
  const several = asList(alert['rules']).map((entry, index) => ({
    rule: asObject(entry)['rule'],
    path: `rules[${index}].rule`,
  }));
  return [...single, ...several]
    .map(({ rule, path }) => ({ json: asObject(rule), path }))
    .filter(({ json: { metricName } }) => metricName !== undefined)
    .map((place) => reference(place.json, { file, path: place.path, title, use: 'alert', member: 'metricName' }));
}

/** All references, in the order of the files and of their content. */
export function referencesOf({ files }: PackageFolder): MetricReference[] {
  return [
    ...(files.dashboards ?? []).flatMap(ofDashboard),
    ...(files.entities ?? []).flatMap(ofEntity),
    ...(files.events ?? []).flatMap(ofEvent),
    ...(files['smart-alerts'] ?? []).flatMap(ofAlert),
  ];
}

const attributePrefix = 'otel.attribute.';
const seriesPrefix = 'metric.tag.';

/** The attribute key in a tag of the resource; null for another tag. */
export function resourceKey(tag: string): string | null {
  return tag.startsWith(attributePrefix) ? tag.slice(attributePrefix.length) : null;
}

/** The attribute key in a tag of the series; null for another tag. */
export function seriesKey(tag: string): string | null {
  return tag.startsWith(seriesPrefix) ? tag.slice(seriesPrefix.length) : null;
}

/** How a reference selects series: attribute keys with the wanted value, or null when it groups by the key. */
export function chosenSeries({
  parsed,
  filters,
  groupBy,
}: MetricReference): readonly (readonly [string, string | null])[] {
  const bySelector = (parsed?.selectors ?? []).map(({ key, value }) => [key, value] as const);
  const byFilter = filters.flatMap(({ name, value }) => {
    const key = seriesKey(name);
    return key === null ? [] : [[key, asText(value) ?? String(value)] as const];
  });
  const byGroup = groupBy.flatMap(({ tag }) => {
    const key = seriesKey(tag);
    return key === null ? [] : [[key, null] as const];
  });
  return [...bySelector, ...byFilter, ...byGroup];
}
