// The tables of the package's README, made from the registry and the rules.
import { type HealthCondition, type HealthRule, healthRules } from '../../src/protocol/health-rules.js';
import {
  type MetricKind,
  type MetricPlatform,
  type MetricRecord,
  metricRegistry,
} from '../../src/protocol/metric-registry.js';
import { metricOf } from './series.js';

const platformNames: Readonly<Record<MetricPlatform, string>> = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };

/** The kinds of metrics as the README writes them. */
export const kindNames: Readonly<Record<MetricKind, string>> = {
  counter: 'counter',
  'up-down-counter': 'up-down counter',
  gauge: 'gauge',
  histogram: 'histogram',
};

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

function platformsOf(platforms: readonly MetricPlatform[]): string {
  return platforms.map((platform) => platformNames[platform]).join(', ');
}

function valuesOf({ attribute }: MetricRecord): string {
  if (attribute === null) return '–';
  if (attribute.values === null) return 'as Node.js names them';
  return attribute.values
    .map((value) => {
      const platforms = attribute.platformsOf?.[value];
      return platforms === undefined ? code(value) : `${code(value)} (${platformsOf(platforms)})`;
    })
    .join(', ');
}

/** The table of all metrics. */
export function metricTable(): string {
  return table(
    ['Metric', 'Kind', 'Unit', 'Attribute', 'Values', 'OS', 'Description'],
    metricRegistry.map((record) => [
      code(record.name),
      kindNames[record.kind],
      code(record.unit),
      record.attribute === null ? '–' : code(record.attribute.key),
      valuesOf(record),
      platformsOf(record.platforms),
      record.description,
    ]),
  );
}

const second = 1000;
const mebibyte = 1024 * 1024;

function shownThreshold({ metric, above }: HealthCondition): string {
  const { unit } = metricOf(metric);
  if (unit === '1') return `${above * 100} %`;
  if (unit === 's') return `${above * second} ms`;
  if (unit === 'By/s') return above >= mebibyte ? `${above / mebibyte} MiB/s` : `${above / 1024} KiB/s`;
  return `${above}${unit.endsWith('/s') ? ' a second' : ''}`;
}

const aggregationNames = { avg: 'average', min: 'minimum', max: 'maximum' } as const;

function conditions(rule: HealthRule): string {
  return rule.conditions
    .map((each) => `${aggregationNames[each.aggregation]} of ${code(each.metric)} > ${shownThreshold(each)}`)
    .join(', and ');
}

/** The table of all events. */
export function eventTable(): string {
  return table(
    ['Event', 'Condition', 'Window', 'Severity', 'Meaning'],
    healthRules.map((rule) => [
      rule.name,
      conditions(rule),
      `${rule.windowMs / second} s`,
      rule.severity,
      rule.description,
    ]),
  );
}
