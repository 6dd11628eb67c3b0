// The README of the integration package.
import { metricScope } from '../../src/protocol/metric-registry.js';
import { type Dashboard, entityDashboard, instanceDashboard } from './dashboards.js';
import { entityLabel } from './entity.js';
import { packageName, packageVersion } from './manifest.js';
import { eventTable, metricTable, table } from './readme-tables.js';

function dashboardTable(): string {
  return table(
    ['Dashboard', 'File', 'What it is'],
    [instanceDashboard, entityDashboard].map(({ title, file, description }: Dashboard) => [
      title,
      `\`dashboards/${file}\``,
      description,
    ]),
  );
}

/** What a person who knows the Python package, or the conventions of OpenTelemetry, looks for. */
const conventions: readonly (readonly [ours: string, python: string, convention: string])[] = [
  ['process.runtime.nodejs.context_switches', 'process.runtime.cpython.context_switches', 'process.context_switches'],
  ['process.runtime.nodejs.cpu.utilization', 'process.runtime.cpython.cpu.utilization', 'process.cpu.utilization'],
  ['process.runtime.nodejs.thread_count', 'process.runtime.cpython.thread_count', 'process.thread.count'],
  ['process.runtime.nodejs.cpu_time', 'process.runtime.cpython.cpu_time', 'process.cpu.time'],
  ['process.runtime.nodejs.gc_count', 'process.runtime.cpython.gc_count', 'v8js.gc.duration'],
  ['process.runtime.nodejs.memory', 'process.runtime.cpython.memory', 'process.memory.usage'],
  ['system.disk.io', 'system.disk.io', 'system.disk.io'],
  ['system.network.io', 'system.network.io', 'system.network.io'],
];

const resourceAttributes: readonly (readonly [key: string, type: string, description: string])[] = [
  ['service.name', 'string', 'the service, as in its traces; the dashboards and the entity select by it'],
  [
    'service.instance.id',
    'string',
    'the process: `serviceInstanceId`, or what `OTEL_RESOURCE_ATTRIBUTES` says, or the name of the host, a colon and the process id',
  ],
  ['telemetry.sdk.language', 'string', '`nodejs`'],
  ['telemetry.sdk.name', 'string', '`instana-ts-sensor`'],
  ['telemetry.sdk.version', 'string', 'version of the sensor'],
  ['process.pid', 'int', 'process id, as the host sees it where the agent has told it'],
  ['instana.host.id', 'string', 'id of the agent, once one has answered'],
  ['host.name', 'string', 'name of the host'],
  ['host.id', 'string', 'id of the host, where it is known'],
];

/** As its file has it. */
export function readmeText(): string {
  const shown = (text: string): string => `\`${text}\``;
  return `# ${packageName}

Dashboards, a custom entity and events for Node.js processes that run with \`@instana/ts-sensor\`. The sensor sends the metrics
over OTLP; all have the scope \`${metricScope}\`.

## Installation

Metrics over OTLP are on when the agent's answer offers OTLP, or when an OTLP endpoint is configured; \`INSTANA_METRICS_OTLP_ENABLED\`
switches them by hand. Then bring the package to where \`stanctl-integration\` finds it, and import it:

\`\`\`sh
stanctl-integration download --package ${packageName} --location .
stanctl-integration import --package ${packageName} --location . --server tenant.example.com --token "$API_TOKEN" --set servicename=shop --set serviceinstanceid=host-1:4711
\`\`\`

- \`--server\` takes a host, with a port if need be, and no scheme.
- The token needs the permission to configure dashboards, custom alerts and custom entities.
- \`servicename\` and \`serviceinstanceid\` choose the process of the dashboard "${instanceDashboard.title}". Their values may have letters, digits
  and \`.\` \`_\` \`:\` \`/\` \`-\` only: other characters arrive changed. With \`INSTANA_DEBUG=1\` the sensor logs the second of them.
- The command ends with exit code 0 even when nothing was imported. Look for its line \`Total files: … | Successfully imported: …\`.
- Importing a second time makes a second copy of the custom dashboard and of each event; only the entity is updated in place. Delete the
  old ones first, or import one kind, for instance with \`--include 'entities/*.json'\`.

### Before a publication

The folder from which the package is published is checked, and no download. In the sources of \`@instana/ts-sensor\`:

\`\`\`sh
cd integration-package
stanctl-integration lint --strict-mode --debug
\`\`\`

The command looks at the current directory. It asks the public registry of npm which version has been published, and fails unless the version
in package.json, now ${packageVersion}, is greater: once that is published, it has to be raised first.

## Dashboards

${dashboardTable()}

Both read from the top: whether the process is well, then processor, memory, event loop, garbage collection, threads, input and output.
Values are averages of an interval, but the greatest of maxima and of the 99th percentile, and the least of minima; counters are shown per second.

## Entities

| Entity | What it is |
|---|---|
| ${entityLabel} | one for each pair of \`service.name\` and \`service.instance.id\`: a process that the sensor runs in |

## Events

${eventTable()}

Conditions are on metrics of a single series. Where an operating system does not have a metric, its event never opens.

## Metrics

Sums and histograms are cumulative. A metric that an operating system does not have is absent there, and never a zero.

${metricTable()}

### Semantic Conventions

What Node.js and V8 alone have is named by the conventions of OpenTelemetry (\`nodejs.*\`, \`v8js.*\`). The rest has the names that the Python
package has for its own:

${table(
  ['Metric', 'In the Python package', 'By the conventions of OpenTelemetry'],
  conventions.map((names) => names.map(shown)),
)}

A collection that is counted in \`process.runtime.nodejs.gc_count\` is one in the histogram \`v8js.gc.duration\` as well.

### Resource Attributes

${table(
  ['Attribute', 'Type', 'Value'],
  resourceAttributes.map(([key, type, description]) => [shown(key), type, description]),
)}
`;
}
