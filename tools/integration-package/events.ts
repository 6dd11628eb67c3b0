// The custom events of the package, made from the rules that the local agent evaluates as well.
import type { HealthRule } from '../../src/protocol/health-rules.js';
import { metricPath } from '../../src/protocol/metric-registry.js';
import type { JsonObject } from './json.js';
import { metricOf } from './series.js';

/** The file of an event: high-cpu-utilization.json for `High CPU Utilization in Node.js Application`. */
export function eventFile({ name }: HealthRule): string {
  const title = name.replace(/ in Node\.js Application$/, '').toLowerCase();
  return `${title.replaceAll('/', '').replaceAll(/[^a-z0-9]+/g, '-')}.json`;
}

/** The content of an event's file. */
export function eventJson({ name, description, severity, windowMs, conditions }: HealthRule): JsonObject {
  return {
    name,
    description,
    query: 'entity.type:opentelemetry',
    entityType: 'openTelemetry',
    enabled: true,
    triggering: false,
    expirationTime: windowMs,
    ...(conditions.length > 1 ? { ruleLogicalOperator: 'AND' } : {}),
    rules: conditions.map(({ metric, aggregation, above }) => ({
      ruleType: 'threshold',
      severity: severity === 'critical' ? 10 : 5,
      window: windowMs,
      metricName: metricPath(metricOf(metric)),
      aggregation,
      conditionOperator: '>',
      conditionValue: above,
    })),
  };
}
