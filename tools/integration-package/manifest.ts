// The package.json of the integration package.
import type { JsonObject } from './json.js';

/** The name under which the package is published. */
export const packageName = '@instana-integration/ts-sensor';

/** Raise it before each publication: the publishing command refuses a version that is not newer. */
export const packageVersion = '1.0.0';

/** The content of package.json. */
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
