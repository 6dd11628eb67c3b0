// That each reference names a metric by the grammar, in its unit, and aggregated so that the result means something.
import { metricScope } from '../../src/protocol/metric-registry.js';
import { asList, asText } from './json.js';
import { factsOf, groupOf, type MetricFacts } from './metric-facts.js';
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

/** What one reference is looked at with: what is known of its metric, by itself and by the rest of the package. */
interface Known {
  readonly facts: MetricFacts | null;
  /** Key of the attribute that tells the metric's series apart; null when it has one series, or nobody says. */
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

function pathFindings(reference: MetricReference, { facts, key }: Known): Finding[] {
  const { member, parsed } = reference;
  const check = at(reference);
  if (parsed === null) return check(false, member, 'metric/path', 'it is no path of a metric');
  const { group, scope, name, selectors } = parsed;
  const hasBraces = selectors !== null;
  const wantsBraces = dialectOf(reference) === 'customEntity';
  return [
    ...check(
      hasBraces === wantsBraces,
      member,
      'metric/braces',
      wantsBraces ? 'the custom entity has paths with braces' : 'the entity of the SDK has paths without braces',
    ),
    ...check(
      scope !== metricScope || facts !== null,
      member,
      'metric/unknown',
      `the sensor has no metric called ${name}`,
    ),
    ...check(
      facts === null || groupOf(facts.kind) === group,
      member,
      'metric/kind',
      `a ${facts?.kind} is not among the ${group}`,
    ),
    ...check(facts?.isGone !== true, member, 'metric/gone', `${name} is not sent any more`),
    ...(selectors ?? []).flatMap((selector) => [
      ...check(
        facts === null || facts.attribute?.key === selector.key,
        member,
        'metric/selector',
        `${name} has no attribute ${selector.key}`,
      ),
      ...check(
        !hasValues(facts, selector.key) || facts?.attribute?.values?.includes(selector.value) === true,
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

function hasValues(facts: MetricFacts | null, key: string): boolean {
  return facts?.attribute?.key === key && facts.attribute.values !== null;
}

function unitFindings(reference: MetricReference, { facts }: Known): Finding[] {
  const { json, axisFormatter } = reference;
  const check = at(reference);
  const unit = asText(json['unit']) ?? '';
  if (!widgetUnits.includes(unit)) return check(false, 'unit', 'metric/unit', `no unit is called ${unit}`);
  const wanted = facts === null ? unit : widgetUnitOf(facts.unit);
  const family = formatterFamilyOf(wanted);
  return [
    ...check(unit === wanted, 'unit', 'metric/unit', `it is sent in ${facts?.unit}, so the unit is ${wanted}`),
    ...check(
      axisFormatter === null || axisFormatter.startsWith(`${family}.`),
      'unit',
      'metric/axis',
      `${wanted} on an axis or a tile of ${axisFormatter}`,
    ),
  ];
}

function aggregationFindings(reference: MetricReference, { facts }: Known): Finding[] {
  const check = at(reference);
  const inTime = asText(reference.json['aggregation']) ?? '';
  const acrossSeries = asText(reference.json['crossSeriesAggregation']) ?? '';
  if (!widgetAggregations.includes(inTime))
    return check(false, 'aggregation', 'metric/aggregation', `no aggregation is called ${inTime}`);
  if (facts === null) return [];
  const { time, series } = aggregationsOf(facts.kind);
  const rule = facts.kind === 'counter' ? 'metric/counter-aggregation' : 'metric/aggregation';
  return [
    ...check(time.includes(inTime), 'aggregation', rule, `of a ${facts.kind} take ${time.join(', ')}, not ${inTime}`),
    ...check(
      series.includes(acrossSeries),
      'crossSeriesAggregation',
      rule,
      `of a ${facts.kind} take ${series.join(', ')} across series, not ${acrossSeries}`,
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
  const key = known.facts?.attribute?.key;
  return [
    ...check(json['source'] === 'INFRASTRUCTURE_METRICS', 'source', 'metric/source', 'it is INFRASTRUCTURE_METRICS'),
    ...check(json['type'] === dialect, 'type', 'metric/type', 'the type is openTelemetry or customEntity'),
    ...check(
      asList(json['metricPath']).join() === labels.join(),
      'metricPath',
      'metric/metric-path',
      `metricPath is ${labels.join(', ')}`,
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
        ? 'the dashboard of an entity is shown for that entity, and filters nothing'
        : `without filters on ${ofInstance.join(' and ')} all processes are mixed`,
    ),
    ...check(
      dialect !== 'customEntity' || groupBy.length === 0,
      'grouping',
      'metric/grouping',
      'the dashboard of an entity has a line for each series, and groups nothing',
    ),
    ...[...filters.map(({ name }) => name), ...groupBy.map(({ tag }) => tag)].flatMap((tag) =>
      check(
        known.facts === null || seriesKey(tag) === null || seriesKey(tag) === key,
        'tagFilterExpression',
        'metric/selector',
        `the metric has no attribute for ${tag}`,
      ),
    ),
    ...unitFindings(reference, known),
    ...aggregationFindings(reference, known),
  ];
}

function entityFindings(reference: MetricReference, { facts }: Known): Finding[] {
  const { formatter } = reference.json;
  const wanted = facts === null ? null : entityFormatterOf(facts.unit);
  const isShare = wanted?.startsWith('PERCENTAGE') === true && (asText(formatter) ?? '').startsWith('PERCENTAGE');
  const fits = wanted === null || formatter === wanted || isShare || formatter === 'UNDEFINED';
  return at(reference)(fits, 'formatter', 'entity/unit', `it is sent in ${facts?.unit}, so the formatter is ${wanted}`);
}

/** What only a chosen series may be said to be, said of the mix of all. */
function nameFindings(reference: MetricReference, { facts, key }: Known): Finding[] {
  if (key === null || chosenSeries(reference).length > 0) return [];
  const text = `${reference.title} ${reference.label ?? ''}`.toLowerCase();
  const said = (facts?.attribute?.values ?? []).find((value) => new RegExp(`\\b${value}\\b`).test(text));
  return at(reference)(
    said === undefined,
    reference.member,
    'metric/says-one-counts-all',
    `it says ${said}, and counts every ${key}`,
  );
}

function misreadFindings(reference: MetricReference, { facts }: Known): Finding[] {
  const isMisread = facts?.counts !== undefined && /\bcollect/i.test(`${reference.title} ${reference.label ?? ''}`);
  return at(reference)(!isMisread, reference.member, 'metric/misread', `what it counts are ${facts?.counts}`);
}

function identity({ parsed }: MetricReference): string {
  return parsed === null ? '' : `${parsed.scope}/${parsed.name}`;
}

/** Findings in every reference to a metric. */
export function metricsFindings(folder: PackageFolder): Finding[] {
  const references = referencesOf(folder);
  // A key that one place of the package selects by tells that the metric has several series everywhere.
  const keys = new Map<string, string>();
  for (const reference of references) {
    for (const [key] of chosenSeries(reference)) if (!keys.has(identity(reference))) keys.set(identity(reference), key);
  }
  return references.flatMap((reference) => {
    const { parsed } = reference;
    const facts = parsed === null ? null : factsOf(parsed.scope, parsed.name);
    const key = facts === null ? (keys.get(identity(reference)) ?? null) : (facts.attribute?.key ?? null);
    const known = { facts, key };
    return [
      ...pathFindings(reference, known),
      ...(isWidget(reference) ? widgetFindings(reference, known) : []),
      ...(reference.use === 'entity' ? entityFindings(reference, known) : []),
      ...nameFindings(reference, known),
      ...misreadFindings(reference, known),
    ];
  });
}
