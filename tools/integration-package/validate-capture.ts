// Checks that a package and the metrics of a process agree, in both directions.
import { type Capture, type CapturedMetric, readCapture } from './capture.js';
import { asList, asObject, asText } from './json.js';
import { groupOf } from './metric-definitions.js';
import { expect, type Finding, type PackageFolder, readPackageFolder } from './package-folder.js';
import { type ReadmeRow, tableWith } from './readme-reader.js';
import { kindNames } from './readme-tables.js';
import {
  chosenSeries,
  filtersOf,
  type MetricReference,
  referencesOf,
  resourceKey,
  seriesKey,
  type TagFilter,
} from './references.js';
import { existsOn, isShownWhole } from './series.js';
import { aggregationsOf, entityFormatterOf, widgetUnitOf } from './vocabulary.js';

/** What is known about a capture. */
export interface CaptureOptions {
  /** The platform of the capture, as in `process.platform`; default: this platform. */
  readonly platform?: NodeJS.Platform;
  /** The major of the Node.js that sent it; default: this one's. */
  readonly major?: number;
  /** Minimum counts that the process must have sent, by the metric's path in the custom entity. */
  readonly atLeast?: Readonly<Record<string, number>>;
}

const [thisMajor = 0] = process.versions.node.split('.').map(Number);

type At = (holds: boolean, member: string, rule: string, message: string) => Finding[];

function hasValue(metric: CapturedMetric, key: string, value: string): boolean {
  return [...metric.series.values()].some(({ attributes }) => attributes[key] === value);
}

function keysOf({ series }: CapturedMetric): Set<string> {
  return new Set([...series.values()].flatMap(({ attributes }) => Object.keys(attributes)));
}

function chosenFindings(reference: MetricReference, metric: CapturedMetric, major: number, at: At): Finding[] {
  const keys = keysOf(metric);
  return chosenSeries(reference).flatMap(([key, value]) => [
    ...at(keys.has(key), reference.member, 'capture/attribute', `no series of ${metric.name} has an attribute ${key}`),
    ...at(
      value === null || !keys.has(key) || hasValue(metric, key, value) || !existsOn(major, key, value),
      reference.member,
      'capture/value',
      `no series of ${metric.name} has ${key}="${value}"`,
    ),
  ]);
}

function seriesFindings(reference: MetricReference, metric: CapturedMetric, at: At): Finding[] {
  const { use, member, groupBy } = reference;
  if (use === 'event')
    return at(
      metric.series.size === 1 && keysOf(metric).size === 0,
      member,
      'capture/series',
      `an event needs one series without attributes, but ${metric.name} has ${metric.series.size}`,
    );
  const chosen = new Set(chosenSeries(reference).map(([key]) => key));
  const mixed = [...keysOf(metric)].filter((key) => !chosen.has(key));
  const cut = groupBy.filter(({ maxSeries }) => maxSeries !== null && maxSeries < metric.series.size);
  return [
    ...at(mixed.length === 0, member, 'capture/series', `the series of ${mixed.join()} are mixed`),
    ...cut.flatMap(({ maxSeries }) =>
      at(
        false,
        'grouping',
        'capture/cut',
        `${maxSeries} series are shown of the ${metric.series.size} of ${metric.name}`,
      ),
    ),
  ];
}

function unitFindings({ use, json }: MetricReference, { unit, kind }: CapturedMetric, at: At): Finding[] {
  if (use === 'entity') {
    const wanted = entityFormatterOf(unit);
    const formatter = asText(json['formatter']) ?? '';
    const fits = formatter === wanted || (wanted.startsWith('PERCENTAGE') && formatter.startsWith('PERCENTAGE'));
    return at(fits, 'formatter', 'capture/unit', `it is sent in ${unit}`);
  }
  if (use !== 'chart' && use !== 'tile') return [];
  const { time, series } = aggregationsOf(kind);
  const inTime = asText(json['aggregation']) ?? '';
  const acrossSeries = asText(json['crossSeriesAggregation']) ?? '';
  return [
    ...at(json['unit'] === widgetUnitOf(unit), 'unit', 'capture/unit', `it is sent in ${unit}`),
    ...at(time.includes(inTime), 'aggregation', 'capture/aggregation', `${inTime} of a ${kind}`),
    ...at(
      series.includes(acrossSeries),
      'crossSeriesAggregation',
      'capture/aggregation',
      `${acrossSeries} across series of a ${kind}`,
    ),
  ];
}

function tagFindings(file: string, filters: readonly TagFilter[], { resource }: Capture): Finding[] {
  return filters.flatMap(({ path, name, value }) => {
    const key = resourceKey(name);
    if (key === null) return [];
    const values = resource.get(key);
    const text = asText(value) ?? String(value);
    const isOpen = text.includes('{{');
    return [
      ...expect(values !== undefined, file, path, 'capture/tag', `the resource has no attribute ${key}`),
      ...expect(
        values === undefined || isOpen || values.has(text),
        file,
        path,
        'capture/tag-value',
        `no resource has ${key}="${text}"`,
      ),
    ];
  });
}

function referenceFindings(reference: MetricReference, capture: Capture, major: number): Finding[] {
  const { file, path, member, parsed, filters, groupBy } = reference;
  const at: At = (holds, name, rule, message) => expect(holds, file, `${path}.${name}`, rule, message);
  if (parsed === null) return at(false, member, 'capture/metric', 'it is not the path of a metric');
  const metric = capture.metrics.get(`${parsed.scope}/${parsed.name}`);
  if (metric === undefined)
    return at(false, member, 'capture/metric', `${parsed.name} is not sent under the scope ${parsed.scope}`);
  const odd = [...filters.map(({ name }) => name), ...groupBy.map(({ tag }) => tag)].filter(
    (tag) => resourceKey(tag) === null && seriesKey(tag) === null,
  );
  return [
    ...at(groupOf(metric.kind) === parsed.group, member, 'capture/kind', `${parsed.name} is a ${metric.kind}`),
    ...odd.flatMap((tag) => at(false, 'tagFilterExpression', 'capture/tag', `${tag} is not a tag of the sent metrics`)),
    ...tagFindings(file, filters, capture),
    ...chosenFindings(reference, metric, major, at),
    ...seriesFindings(reference, metric, at),
    ...unitFindings(reference, metric, at),
  ];
}

/** Finds sent series that are missing in a file that shows the metric's series individually. */
function missedFindings(references: readonly MetricReference[], { metrics }: Capture): Finding[] {
  const files = [...new Set(references.map(({ file }) => file))];
  return files.flatMap((file) => {
    const ofFile = references.filter((reference) => reference.file === file);
    return [...metrics.values()].flatMap((metric) => {
      const chosen = ofFile
        .filter(({ parsed }) => parsed?.scope === metric.scope && parsed.name === metric.name)
        .flatMap(chosenSeries);
      return [...keysOf(metric)].filter(isShownWhole).flatMap((key) => {
        const values = new Set(chosen.flatMap(([by, value]) => (by === key && value !== null ? [value] : [])));
        const sent = [...metric.series.values()].map(({ attributes }) => attributes[key] ?? '');
        const missed = values.size === 0 ? [] : sent.filter((value) => !values.has(value));
        return missed.flatMap((value) =>
          expect(false, file, metric.name, 'capture/missed', `the series ${key}="${value}" is not shown`),
        );
      });
    });
  });
}

function entityFindings({ files }: PackageFolder, capture: Capture): Finding[] {
  return (files.entities ?? []).flatMap(({ file, json }) => {
    const data = asObject(asObject(json)['data']);
    const identifiers = asList(data['identifiers']).flatMap((identifier, index) => {
      const key = resourceKey(asText(identifier) ?? '') ?? '';
      const path = `data.identifiers[${index}]`;
      return expect(capture.resource.has(key), file, path, 'capture/tag', `the resource has no attribute ${key}`);
    });
    return [
      ...identifiers,
      ...tagFindings(file, filtersOf(data['tagFilterExpression'], 'data.tagFilterExpression'), capture),
    ];
  });
}

const systems: Partial<Record<NodeJS.Platform, string>> = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };

/** Whether a cell with operating systems includes this one; an empty cell means all. */
function isOn(cell: string | undefined, platform: NodeJS.Platform): boolean {
  return cell === undefined || cell === '' || cell.split(/,\s*/).includes(systems[platform] ?? platform);
}

/** The values of `a, b (Linux)` on this platform; null when the cell is not such a list. */
function listedValues(cell: string | undefined, platform: NodeJS.Platform): Set<string> | null {
  if (cell === undefined || !/^[\w.-]+(?: \([^)]*\))?(?:, |$)/.test(cell)) return null;
  const values = [...cell.matchAll(/([\w.-]+)(?: \(([^)]*)\))?/g)];
  return new Set(values.filter(([, , only]) => isOn(only, platform)).map(([, value = '']) => value));
}

function rowFindings({ line, cells }: ReadmeRow, metric: CapturedMetric, platform: NodeJS.Platform): Finding[] {
  const at = (holds: boolean, message: string): Finding[] =>
    expect(holds, 'README.md', `line ${line}`, 'capture/readme', message);
  const { kind, unit, attribute, values, os } = cells;
  const [key = null] = keysOf(metric);
  const listed = listedValues(values, platform);
  return [
    ...at(isOn(os, platform), `${metric.name} is sent here as well`),
    ...at(kind === undefined || kind === kindNames[metric.kind], `${metric.name} is sent as a ${metric.kind}`),
    ...at(unit === undefined || unit === metric.unit, `${metric.name} is sent in ${metric.unit}`),
    ...at(attribute === undefined || attribute === (key ?? '–'), `the attribute of ${metric.name} is ${key}`),
    ...[...metric.series.values()].flatMap(({ attributes }) =>
      at(
        key === null || listed === null || listed.has(attributes[key] ?? ''),
        `${key} is ${attributes[key ?? '']} too`,
      ),
    ),
    ...[...(key === null || listed === null ? [] : listed)].flatMap((value) =>
      at(key !== null && hasValue(metric, key, value), `${key} is never ${value}`),
    ),
  ];
}

/** Checks that README and capture have the same metrics. */
function readmeFindings(folder: PackageFolder, capture: Capture, platform: NodeJS.Platform): Finding[] {
  const table = folder.readme === null ? null : tableWith(folder.readme, 'metric');
  if (table === null) return expect(false, 'README.md', '', 'capture/readme', 'there is no table of metrics');
  const scopes = new Set(referencesOf(folder).map(({ parsed }) => parsed?.scope));
  const sent = new Map(
    [...capture.metrics.values()].filter(({ scope }) => scopes.has(scope)).map((metric) => [metric.name, metric]),
  );
  const rows = new Map(table.rows.map((row) => [row.cells[table.heads[0] ?? ''] ?? '', row]));
  const unlisted = [...sent.keys()].filter((name) => !rows.has(name));
  return [
    ...unlisted.flatMap((name) => expect(false, 'README.md', '', 'capture/unlisted', `${name} is not in the table`)),
    ...[...rows].flatMap(([name, row]) => {
      const metric = sent.get(name);
      if (metric !== undefined) return rowFindings(row, metric, platform);
      const message = `${name} is not sent on ${platform}`;
      return expect(!isOn(row.cells['os'], platform), 'README.md', `line ${row.line}`, 'capture/not-sent', message);
    }),
  ];
}

/** Finds faults of the sent metrics themselves: series that filters cannot separate, and events that were not counted. */
function captureFindings({ metrics }: Capture, atLeast: Readonly<Record<string, number>>): Finding[] {
  const wide = [...metrics.values()].filter(({ series }) =>
    [...series.values()].some(({ attributes }) => Object.keys(attributes).length > 1),
  );
  const missed = Object.entries(atLeast).flatMap(([path, min]) => {
    const [, name = '', key, value = ''] = /^metrics\.\w+\.([^{]+)\{(?:([^=]+)="(.*)")?\}$/.exec(path) ?? [];
    const series = [...(metrics.get(name)?.series.values() ?? [])].filter(
      ({ attributes }) => key === undefined || attributes[key] === value,
    );
    const counted = series.reduce((sum, each) => sum + each.value, 0);
    return counted >= min ? [] : [`${path} is ${counted}, but at least ${min} took place`];
  });
  return [
    ...wide.flatMap(({ name }) =>
      expect(false, 'capture', name, 'capture/attributes', 'it has more than one attribute'),
    ),
    ...missed.flatMap((message) => expect(false, 'capture', '', 'capture/undercount', message)),
  ];
}

/** Empty when every reference of the package is sent and every sent metric is documented. `capture` has the bodies of export requests. */
export function validateAgainstCapture(
  folder: string,
  capture: readonly unknown[],
  { platform = process.platform, major = thisMajor, atLeast = {} }: CaptureOptions = {},
): Finding[] {
  const read = readPackageFolder(folder);
  const sent = readCapture(capture);
  const references = referencesOf(read);
  return [
    ...references.flatMap((reference) => referenceFindings(reference, sent, major)),
    ...missedFindings(references, sent),
    ...entityFindings(read, sent),
    ...readmeFindings(read, sent, platform),
    ...captureFindings(sent, atLeast),
  ];
}
