// Checks that the interface for custom entities accepts the entities, and that an entity is one process.
import { basename } from 'node:path';
import { asList, asObject, asText } from './json.js';
import { expect, type Finding, type JsonFile, type PackageFolder, repeated } from './package-folder.js';
import { resourceKey } from './references.js';
import { entityAggregations, entityFormatters } from './vocabulary.js';

const instance = 'otel.attribute.service.instance.id';

function metricFindings(file: string, path: string, json: unknown): Finding[] {
  const { type, source, name, section, label, formatter, aggregation } = asObject(json);
  const at = (holds: boolean, member: string, rule: string, message: string): Finding[] =>
    expect(holds, file, `${path}.${member}`, rule, message);
  return [
    ...at(type === 'openTelemetry', 'type', 'entity/metric-type', 'the type must be openTelemetry'),
    ...at(source === name, 'source', 'entity/source', 'source and name must be the same path'),
    ...at(section === 'CUSTOM_ENTITY', 'section', 'entity/section', 'the section must be CUSTOM_ENTITY'),
    ...at((asText(label) ?? '').trim() !== '', 'label', 'entity/label', 'the label is missing'),
    ...at(
      entityFormatters.includes(asText(formatter) ?? ''),
      'formatter',
      'entity/formatter',
      `no formatter is called ${String(formatter)}`,
    ),
    ...at(
      aggregation === undefined || entityAggregations.includes(asText(aggregation) ?? ''),
      'aggregation',
      'entity/aggregation',
      `an entity aggregates by ${entityAggregations.join(' or ')}, not by ${String(aggregation)}`,
    ),
  ];
}

function entityFindings({ file, json }: JsonFile, dashboardNames: ReadonlySet<string>): Finding[] {
  const data = asObject(asObject(json)['data']);
  const identifiers = asList(data['identifiers']);
  const metrics = asList(data['metrics']).map((entry, index) => ({ path: `data.metrics[${index}]`, json: entry }));
  const same = (member: 'label' | 'name', rule: string): Finding[] =>
    repeated(metrics, (metric) => asText(asObject(metric.json)[member])).flatMap(({ path }) =>
      expect(false, file, `${path}.${member}`, rule, `another metric of the entity has this ${member}`),
    );
  return [
    ...identifiers.flatMap((identifier, index) =>
      expect(
        resourceKey(asText(identifier) ?? '') !== null,
        file,
        `data.identifiers[${index}]`,
        'entity/identifier',
        'an identifier must be a tag otel.attribute.…',
      ),
    ),
    ...expect(
      identifiers.includes(instance),
      file,
      'data.identifiers',
      'entity/instance',
      `without ${instance} all processes are one entity`,
    ),
    ...asList(data['dashboards']).flatMap((entry, index) => {
      const reference = asText(asObject(entry)['reference']) ?? '';
      const message = `there is no dashboard ${reference}`;
      return expect(
        dashboardNames.has(reference),
        file,
        `data.dashboards[${index}].reference`,
        'entity/dashboard',
        message,
      );
    }),
    ...metrics.flatMap(({ path, json: metric }) => metricFindings(file, path, metric)),
    ...same('label', 'entity/same-label'),
    ...same('name', 'entity/same-metric'),
  ];
}

/** Findings in the entities, except in their metrics. */
export function entitiesFindings({ files }: PackageFolder): Finding[] {
  const names = new Set((files.dashboards ?? []).map(({ file }) => basename(file)));
  return (files.entities ?? []).flatMap((entity) => entityFindings(entity, names));
}
