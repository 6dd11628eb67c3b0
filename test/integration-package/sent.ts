// What the sensor sends by its registry: a capture without a process, to try what compares captures with the package.
import { type MetricPlatform, metricRegistry, metricScope } from '../../src/protocol/metric-registry.js';
import { valuesOf } from '../../tools/integration-package/series.js';
import { exportOf } from './shapes.js';

export const resource = {
  'service.name': 'shop',
  'service.instance.id': 'host-1:4711',
  'telemetry.sdk.language': 'nodejs',
  'telemetry.sdk.name': 'instana-ts-sensor',
  'telemetry.sdk.version': '0.1.0',
};

/** One request with every series that there is on the platform. */
export function sentOn(platform: MetricPlatform): unknown {
  const metrics = metricRegistry
    .filter(({ platforms }) => platforms.includes(platform))
    .map((record) => {
      const { name, unit, kind, attribute } = record;
      if (attribute === null) return { name, unit, kind };
      const values = valuesOf(record).filter((value) => attribute.platformsOf?.[value]?.includes(platform) !== false);
      return { name, unit, kind, key: attribute.key, values };
    });
  return exportOf(metricScope, resource, metrics);
}
