// The files of the integration package.
import { healthRules } from '../../src/protocol/health-rules.js';
import { dashboardJson, entityDashboard, instanceDashboard } from './dashboards.js';
import { entityJson } from './entity.js';
import { eventFile, eventJson } from './events.js';
import { printJson } from './json.js';
import { manifestJson } from './manifest.js';
import { readmeText } from './readme.js';

/** The text of each file by its path in the package. */
export function packageFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['package.json', printJson(manifestJson())],
    ['README.md', readmeText()],
    ...[instanceDashboard, entityDashboard].map(
      (dashboard) => [`dashboards/${dashboard.file}`, printJson(dashboardJson(dashboard))] as const,
    ),
    ['entities/ts-sensor-runtime.json', printJson(entityJson())],
    ...healthRules.map((rule) => [`events/${eventFile(rule)}`, printJson(eventJson(rule))] as const),
  ]);
}
