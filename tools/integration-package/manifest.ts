// The package.json of the integration package.
import type { JsonObject } from './json.js';

export const packageName = '@instana-integration/ts-sensor';

/** Has to be raised before each publication: the command that publishes refuses what is not newer. */
export const packageVersion = '1.0.0';

/** As its file has it. */
export function manifestJson(): JsonObject {
  return {
    name: packageName,
    version: packageVersion,
    description: 'Dashboards, entity and events for Node.js processes with @instana/ts-sensor',
    keywords: ['instana', 'integration', 'nodejs', 'opentelemetry'],
    author: 'The ts-sensor authors',
    license: 'MIT',
    files: ['dashboards', 'entities', 'events'],
    publishConfig: { access: 'public' },
  };
}
