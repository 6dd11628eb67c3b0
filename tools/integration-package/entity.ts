// The custom entity of the package: one for each service instance with the sensor.
import { type MetricRecord, metricRegistry } from '../../src/protocol/metric-registry.js';
import { entityDashboard } from './dashboards.js';
import type { JsonObject } from './json.js';
import { seriesPath } from './metric-path.js';
import { valuesOf } from './series.js';
import { entityFormatterOf } from './vocabulary.js';

/** The label and category of the entity. */
export const entityLabel = 'TypeScript Sensor Runtime';

/** The resource attributes by which the backend recognises metrics of the sensor. */
const sdk: readonly (readonly [tag: string, value: string])[] = [
  ['otel.attribute.telemetry.sdk.language', 'nodejs'],
  ['otel.attribute.telemetry.sdk.name', 'instana-ts-sensor'],
];

function metricJson(record: MetricRecord, value?: string): JsonObject {
  const path = seriesPath(record, value);
  return {
    type: 'openTelemetry',
    source: path,
    name: path,
    section: 'CUSTOM_ENTITY',
    category: entityLabel,
    label: value === undefined ? record.title : `${record.title} - ${value}`,
    description: record.description,
    formatter: entityFormatterOf(record.unit),
  };
}

/** The content of the entity's file. */
export function entityJson(): JsonObject {
  return {
    data: {
      label: entityLabel,
      identifiers: ['otel.attribute.service.name', 'otel.attribute.service.instance.id'],
      tagFilterExpression: {
        type: 'EXPRESSION',
        logicalOperator: 'AND',
        elements: sdk.map(([name, value]) => ({
          type: 'TAG_FILTER',
          name,
          operator: 'EQUALS',
          value,
          entity: 'NOT_APPLICABLE',
        })),
      },
      dashboards: [{ reference: entityDashboard.file }],
      metrics: metricRegistry.flatMap((record) => {
        const values = valuesOf(record);
        return values.length === 0 ? [metricJson(record)] : values.map((value) => metricJson(record, value));
      }),
    },
  };
}
