// Checks that each reference has a valid path, the unit of its metric, and a meaningful aggregation.
import { metricScope } from '../../src/protocol/metric-registry.js';
import { asList, asText } from './json.js';
import { definitionOf, groupOf, type MetricDefinition } from './metric-definitions.js';
import { expect, type Finding, type PackageFolder } from './package-folder.js';
import { chosenSeries, type MetricReference, referencesOf, seriesKey } from './references.js';
import {
  aggregationsOf,
  type Dialect,
  entityFormatterOf,
  formatterFamilyOf,
  metricPathLabels,
  widgetAggregations,
  widgetFormatters,
  widgetUnitOf,
  widgetUnits,
} from './vocabulary.js';

/** What is known of the metric of a reference: by its definition, and by the rest of the package. */
interface Known {
  readonly definition: MetricDefinition | null;
  /** The attribute key that separates the metric's series; null when it has one series, or when that is unknown. */
  readonly key: string | null;
}

type At = (holds: boolean, member: string, rule: string, message: string) => Finding[];

function at({ file, path }: MetricReference): At {
  return (holds, member, rule, message) => expect(holds, file, `${path}.${member}`, rule, message);
}

function isWidget({ use }: MetricReference): boolean {
  return use === 'chart' || use === 'tile';
}

function dialectOf({ use, json }: MetricReference): Dialect {
  return use === 'entity' || json['type'] === 'customEntity' ? 'customEntity' : 'openTelemetry';
}

function pathFindings(reference: MetricReference, { definition, key }: Known): Finding[] {
  const { member, parsed } = reference;
  const check = at(reference);
  if (parsed === null) return check(false, member, 'metric/path', 'it is not the path of a metric');
  const { group, scope, name, selectors } = parsed;
  const hasBraces = selectors !== null;
  const wantsBraces = dialectOf(reference) === 'customEntity';
  return [
    ...check(
      hasBraces === wantsBraces,
      member,
      'metric/braces',
      wantsBraces ? 'paths of the custom entity need braces' : 'paths of the entity of the SDK have no braces',
    ),
    ...check(
      scope !== metricScope || definition !== null,
      member,
      'metric/unknown',
      `the sensor has no metric called ${name}`,
    ),
    ...check(
      definition === null || groupOf(definition.kind) === group,
      member,
      'metric/kind',
      `a ${definition?.kind} is not among the ${group}`,
    ),
    ...check(definition?.isGone !== true, member, 'metric/gone', `${name} is not sent any more`),
    ...(selectors ?? []).flatMap((selector) => [
      ...check(
        definition === null || definition.attribute?.key === selector.key,
        member,
        'metric/selector',
        `${name} has no attribute ${selector.key}`,
      ),
      ...check(
        !hasValues(definition, selector.key) || definition?.attribute?.values?.includes(selector.value) === true,
        member,
        'metric/value',
        `${selector.key} is never ${selector.value}`,
      ),
    ]),
    ...check(
      key === null || chosenSeries(reference).some(([chosen]) => chosen === key),
      member,
      'metric/mixed-series',
      `${name} has a series for each ${key}, and this is a mix of all`,
    ),
  ];
}

function hasValues(definition: MetricDefinition | null, key: string): boolean {
  return definition?.attribute?.key === key && definition.attribute.values !== null;
}

function unitFindings(reference: MetricReference, { definition }: Known): Finding[] {
  const { json, axisFormatter } = reference;
  const check = at(reference);
  const unit = asText(json['unit']) ?? '';
  if (!widgetUnits.includes(unit)) return check(false, 'unit', 'metric/unit', `no unit is called ${unit}`);
  const wanted = definition === null ? unit : widgetUnitOf(definition.unit);
  const family = formatterFamilyOf(wanted);
  return [
    ...check(unit === wanted, 'unit', 'metric/unit', `it is sent in ${definition?.unit}, so the unit is ${wanted}`),
    ...check(
      axisFormatter === null || axisFormatter.startsWith(`${family}.`),
      'unit',
      'metric/axis',
      `${wanted} on an axis or a tile of ${axisFormatter}`,
    ),
  ];
}

function aggregationFindings(reference: MetricReference, { definition }: Known): Finding[] {
  const check = at(reference);
  const inTime = asText(reference.json['aggregation']) ?? '';
  const acrossSeries = asText(reference.json['crossSeriesAggregation']) ?? '';
  if (!widgetAggregations.includes(inTime))
    return check(false, 'aggregation', 'metric/aggregation', `no aggregation is called ${inTime}`);
  if (definition === null) return [];
  const { time, series } = aggregationsOf(definition.kind);
  const rule = definition.kind === 'counter' ? 'metric/counter-aggregation' : 'metric/aggregation';
  return [
    ...check(
      time.includes(inTime),
      'aggregation',
      rule,
      `aggregate a ${definition.kind} by ${time.join(', ')}, not by ${inTime}`,
    ),
    ...check(
      series.includes(acrossSeries),
      'crossSeriesAggregation',
      rule,
      `aggregate a ${definition.kind} across series by ${series.join(', ')}, not by ${acrossSeries}`,
    ),
  ];
}

function widgetFindings(reference: MetricReference, known: Known): Finding[] {
  const { json, filters, groupBy } = reference;
  const check = at(reference);
  const dialect = dialectOf(reference);
  const labels = metricPathLabels[dialect];
  const names = new Set(filters.map(({ name }) => name));
  const ofInstance = ['otel.attribute.service.name', 'otel.attribute.service.instance.id'];
  const key = known.definition?.attribute?.key;
  return [
    ...check(
      json['source'] === 'INFRASTRUCTURE_METRICS',
      'source',
      'metric/source',
      'it must be INFRASTRUCTURE_METRICS',
    ),
    ...check(json['type'] === dialect, 'type', 'metric/type', 'the type must be openTelemetry or customEntity'),
    ...check(
      asList(json['metricPath']).join() === labels.join(),
      'metricPath',
      'metric/metric-path',
      `metricPath must be ${labels.join(', ')}`,
    ),
    ...check(
      widgetFormatters.includes(asText(json['formatter']) ?? ''),
      'formatter',
      'metric/formatter',
      `no formatter is called ${String(json['formatter'])}`,
    ),
    ...check(
      dialect === 'customEntity' ? names.size === 0 : ofInstance.every((name) => names.has(name)),
      'tagFilterExpression',
      'metric/instance',
      dialect === 'customEntity'
        ? 'the dashboard of an entity must not filter: it is shown for that entity'
        : `without filters on ${ofInstance.join(' and ')} all processes are mixed`,
    ),
    ...check(
      dialect !== 'customEntity' || groupBy.length === 0,
      'grouping',
      'metric/grouping',
      'the dashboard of an entity must not group: it has a line for each series',
    ),
    ...[...filters.map(({ name }) => name), ...groupBy.map(({ tag }) => tag)].flatMap((tag) =>
      check(
        known.definition === null || seriesKey(tag) === null || seriesKey(tag) === key,
        'tagFilterExpression',
        'metric/selector',
        `the metric has no attribute for ${tag}`,
      ),
    ),
    ...unitFindings(reference, known),
    ...aggregationFindings(reference, known),
  ];
}

function entityFindings(reference: MetricReference, { definition }: Known): Finding[] {
  const { formatter } = reference.json;
  const wanted = definition === null ? null : entityFormatterOf(definition.unit);
  const isShare = wanted?.startsWith('PERCENTAGE') === true && (asText(formatter) ?? '').startsWith('PERCENTAGE');
  const fits = wanted === null || formatter === wanted || isShare || formatter === 'UNDEFINED';
  return at(reference)(
    fits,
    'formatter',
    'entity/unit',
    `it is sent in ${definition?.unit}, so the formatter is ${wanted}`,
  );
}

/** Finds a title or label that names one series but shows the mix of all. */
function nameFindings(reference: MetricReference, { definition, key }: Known): Finding[] {
  if (key === null || chosenSeries(reference).length > 0) return [];
  const text = `${reference.title} ${reference.label ?? ''}`.toLowerCase();
  const named = (definition?.attribute?.values ?? []).find((value) => new RegExp(`\\b${value}\\b`).test(text));
  return at(reference)(
    named === undefined,
    reference.member,
    'metric/says-one-counts-all',
    `it says ${named} but counts every ${key}`,
  );
}

function misreadFindings(reference: MetricReference, { definition }: Known): Finding[] {
  const isMisread =
    definition?.counts !== undefined && /\bcollect/i.test(`${reference.title} ${reference.label ?? ''}`);
  return at(reference)(!isMisread, reference.member, 'metric/misread', `it counts ${definition?.counts}`);
}

function identity({ parsed }: MetricReference): string {
  return parsed === null ? '' : `${parsed.scope}/${parsed.name}`;
}

/** Findings in every reference to a metric. */
export function metricsFindings(folder: PackageFolder): Finding[] {
  const references = referencesOf(folder);
  // When one reference selects by a key, the metric has several series in all references.
  const keys = new Map<string, string>();
  for (const reference of references) {
    for (const [key] of chosenSeries(reference)) if (!keys.has(identity(reference))) keys.set(identity(reference), key);
  }
  return references.flatMap((reference) => {
    const { parsed } = reference;
    const definition = parsed === null ? null : definitionOf(parsed.scope, parsed.name);
    const key = definition === null ? (keys.get(identity(reference)) ?? null) : (definition.attribute?.key ?? null);
    const known = { definition, key };
    return [
      ...pathFindings(reference, known),
      ...(isWidget(reference) ? widgetFindings(reference, known) : []),
      ...(reference.use === 'entity' ? entityFindings(reference, known) : []),
      ...nameFindings(reference, known),
      ...misreadFindings(reference, known),
    ];
  });
}
