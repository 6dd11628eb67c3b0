// Checks that the interface for custom events accepts the events, and that their thresholds are plausible.
import { asList, asObject, asText } from './json.js';
import { definitionOf } from './metric-definitions.js';
import { expect, type Finding, type JsonFile, type PackageFolder, repeated } from './package-folder.js';
import { type MetricReference, referencesOf } from './references.js';
import { eventAggregations, eventOperators, eventSeverities, limits, openTelemetryQuery } from './vocabulary.js';

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function ruleFindings(file: string, path: string, json: unknown): Finding[] {
  const { severity, window, metricName, aggregation, conditionOperator, conditionValue } = asObject(json);
  const at = (holds: boolean, member: string, rule: string, message: string): Finding[] =>
    expect(holds, file, `${path}.${member}`, rule, message);
  return [
    ...at(eventSeverities.includes(Number(severity)), 'severity', 'event/severity', 'the severity must be 5 or 10'),
    ...at(isDuration(window), 'window', 'event/window', 'the window must be a number of milliseconds'),
    ...at(
      eventAggregations.includes(asText(aggregation) ?? ''),
      'aggregation',
      'event/aggregation',
      `no aggregation of events is called ${String(aggregation)}`,
    ),
    ...at(
      eventOperators.includes(asText(conditionOperator) ?? ''),
      'conditionOperator',
      'event/operator',
      `no operator of events is ${String(conditionOperator)}`,
    ),
    ...at(typeof conditionValue === 'number', 'conditionValue', 'event/value', 'the threshold must be a number'),
    ...at(
      (asText(metricName) ?? '').length <= limits.metricNameLength,
      'metricName',
      'event/length',
      `the path has at most ${limits.metricNameLength} characters`,
    ),
  ];
}

function eventFindings({ file, json }: JsonFile): Finding[] {
  const event = asObject(json);
  const rules = asList(event['rules']);
  const query = asText(event['query']) ?? '';
  const at = (holds: boolean, path: string, rule: string, message: string): Finding[] =>
    expect(holds, file, path, rule, message);
  return [
    ...at(typeof event['enabled'] === 'boolean', 'enabled', 'event/enabled', 'enabled must be true or false'),
    ...at(
      isDuration(event['expirationTime']),
      'expirationTime',
      'event/expiration',
      'it must be a number of milliseconds',
    ),
    ...at((asText(event['name']) ?? '').length <= limits.nameLength, 'name', 'event/length', 'the name is too long'),
    ...at(query.length <= limits.queryLength, 'query', 'event/length', 'the query is too long'),
    ...at(
      event['entityType'] !== 'openTelemetry' || openTelemetryQuery.test(query),
      'query',
      'event/query',
      'entities of OpenTelemetry need the query entity.type:opentelemetry; this one finds none',
    ),
    ...at(rules.length <= limits.rules, 'rules', 'event/rules', `an event has at most ${limits.rules} rules`),
    ...at(
      rules.length < 2 || event['ruleLogicalOperator'] === 'AND' || event['ruleLogicalOperator'] === 'OR',
      'ruleLogicalOperator',
      'event/rule-operator',
      'several rules must be joined by AND or OR',
    ),
    ...rules.flatMap((rule, index) => ruleFindings(file, `rules[${index}]`, rule)),
  ];
}

const mebibyte = 1024 * 1024;
const cores = 128;

/** Null when values can be on both sides of the threshold. */
function implausible({ metric, parsed, json }: MetricReference): string | null {
  const known = parsed === null ? null : definitionOf(parsed.scope, parsed.name);
  const threshold = json['conditionValue'];
  if (known === null || typeof threshold !== 'number') return null;
  const { unit } = known;
  const isOfBytes = unit === 'By' || unit === 'By/s';
  if (isOfBytes && threshold < 1024) return `the unit is bytes: more than ${threshold} is always true`;
  if (isOfBytes && /[._]io(?:[.{]|$)/.test(metric) && threshold < mebibyte)
    return `any server moves ${threshold} bytes a second`;
  if (unit === '1' && threshold > (metric.includes('cpu') ? cores : 1))
    return `a share is never more than ${threshold}`;
  return null;
}

function thresholdFindings(reference: MetricReference): Finding[] {
  const message = implausible(reference);
  const path = `${reference.path}.conditionValue`;
  return expect(message === null, reference.file, path, 'event/threshold', message ?? '');
}

/** Findings in the events. */
export function eventsFindings(folder: PackageFolder): Finding[] {
  const events = folder.files.events ?? [];
  return [
    ...events.flatMap(eventFindings),
    ...repeated(events, ({ json }) => asText(asObject(json)['name'])).flatMap(({ file }) =>
      expect(false, file, 'name', 'event/same-name', 'another event of the package has this name'),
    ),
    ...referencesOf(folder)
      .filter(({ use }) => use === 'event')
      .flatMap(thresholdFindings),
  ];
}
