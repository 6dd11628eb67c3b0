// The README of the integration package.
import { metricScope } from '../../src/protocol/metric-registry.js';
import { type Dashboard, entityDashboard, instanceDashboard } from './dashboards.js';
import { entityLabel } from './entity.js';
import { packageName, packageVersion } from './manifest.js';
import { eventTable, metricTable, table } from './readme-tables.js';

function dashboardTable(): string {
  return table(
    ['Dashboard', 'File', 'Content'],
    [instanceDashboard, entityDashboard].map(({ title, file, description }: Dashboard) => [
      title,
      `\`dashboards/${file}\``,
      description,
    ]),
  );
}

/** The names for readers who know the Python package or the conventions of OpenTelemetry. */
const conventions: readonly (readonly [name: string, python: string, convention: string])[] = [
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
    'the process: `serviceInstanceId`, or the value in `OTEL_RESOURCE_ATTRIBUTES`, or host name, colon and process id',
  ],
  ['telemetry.sdk.language', 'string', '`nodejs`'],
  ['telemetry.sdk.name', 'string', '`instana-ts-sensor`'],
  ['telemetry.sdk.version', 'string', 'version of the sensor'],
  ['process.pid', 'int', 'process id; the one on the host if the agent reports it'],
  ['instana.host.id', 'string', 'id of the agent, once one is connected'],
  ['host.name', 'string', 'name of the host'],
  ['host.id', 'string', 'id of the host, where it is known'],
];

/** The content of the README. */
export function readmeText(): string {
  const shown = (text: string): string => `\`${text}\``;
  return `# ${packageName}

Dashboards, a custom entity and events for Node.js processes with \`@instana/ts-sensor\`. The sensor sends the metrics over OTLP,
all in the scope \`${metricScope}\`.

## Installation

Metrics over OTLP are on when the agent offers OTLP or when an OTLP endpoint is configured. \`INSTANA_METRICS_OTLP_ENABLED\` switches them
on or off. Then download and import the package:

\`\`\`sh
stanctl-integration download --package ${packageName} --location .
stanctl-integration import --package ${packageName} --location . --server tenant.example.com --token "$API_TOKEN" --set servicename=shop --set serviceinstanceid=host-1:4711
\`\`\`

- \`--server\` takes a host, with an optional port and without a scheme.
- The token needs permission to configure dashboards, custom alerts and custom entities.
- \`servicename\` and \`serviceinstanceid\` select the process of the dashboard "${instanceDashboard.title}". Use only letters, digits
  and \`.\` \`_\` \`:\` \`/\` \`-\` in their values: the import changes other characters. With \`INSTANA_DEBUG=1\` the sensor logs the second value.
- The command exits with code 0 even when nothing was imported. Check its line \`Total files: … | Successfully imported: …\`.
- Importing a second time makes a second copy of the custom dashboard and of each event; only the entity is updated in place. Delete the
  old copies first, or import one kind, for example with \`--include 'entities/*.json'\`.

### Before publishing

Check the folder that will be published, not a download. In the sources of \`@instana/ts-sensor\`:

\`\`\`sh
cd integration-package
stanctl-integration lint --strict-mode --debug
\`\`\`

The command checks the current directory. It asks the public npm registry for the published version, and fails unless the version
in package.json, now ${packageVersion}, is greater. Raise that version once it has been published.

## Dashboards

${dashboardTable()}

Both begin with the health of the process, followed by processor, memory, event loop, garbage collection, threads, input and output. Values are averages
of an interval, except that maxima and 99th percentiles show the maximum, and minima the minimum. Counters are shown per second.

## Entities

| Entity | Meaning |
|---|---|
| ${entityLabel} | a process with the sensor: one for each pair of \`service.name\` and \`service.instance.id\` |

## Events

${eventTable()}

Each condition is on a metric with a single series. On an operating system without the metric, the event never opens.

## Metrics

Sums and histograms are cumulative. On an operating system without a metric, the metric is absent, not zero.

${metricTable()}

### Semantic Conventions

Metrics that only Node.js and V8 have are named by the conventions of OpenTelemetry (\`nodejs.*\`, \`v8js.*\`). The others are named like those of
the Python package:

${table(
  ['Metric', 'Python package', 'OpenTelemetry conventions'],
  conventions.map((names) => names.map(shown)),
)}

Each collection in \`process.runtime.nodejs.gc_count\` is in the histogram \`v8js.gc.duration\` as well.

### Resource Attributes

${table(
  ['Attribute', 'Type', 'Value'],
  resourceAttributes.map(([key, type, description]) => [shown(key), type, description]),
)}
`;
}
