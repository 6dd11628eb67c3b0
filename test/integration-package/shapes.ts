// Small packages in the shapes of those that are published for other runtimes, with what is wrong in them, and packages on disk to change.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { asList, asObject, type JsonObject } from '../../tools/integration-package/json.js';
import { repositoryRoot } from '../support/run-app.js';

export type Files = Readonly<Record<string, unknown>>;

export interface PackageOnDisk {
  readonly folder: string;
  /** Changes a file of JSON in place. */
  edit(file: string, change: (json: JsonObject) => void): void;
  /** Changes a file of text. */
  rewrite(file: string, change: (text: string) => string): void;
  remove(): void;
}

function onDisk(folder: string): PackageOnDisk {
  const rewrite = (file: string, change: (text: string) => string): void =>
    writeFileSync(join(folder, file), change(readFileSync(join(folder, file), 'utf8')));
  return {
    folder,
    rewrite,
    edit: (file, change) =>
      rewrite(file, (text) => {
        const json = asObject(JSON.parse(text));
        change(json);
        return JSON.stringify(json, null, 2);
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A copy of the package of this repository. */
export function copyOfOurs(): PackageOnDisk {
  const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-integration-'));
  cpSync(join(repositoryRoot, 'integration-package'), folder, { recursive: true });
  return onDisk(folder);
}

/** A package of these files; what is no text is written as JSON. */
export function packageOf(files: Files): PackageOnDisk {
  const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-shape-'));
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
  return onDisk(folder);
}

/** What stands at `widgets.3.config` and the like; an empty object where nothing does. */
export function at(json: JsonObject, path: string): JsonObject {
  const steps = path.split('.');
  const found = steps.reduce<unknown>(
    (value, step) => (Array.isArray(value) ? asList(value)[Number(step)] : asObject(value)[step]),
    json,
  );
  return asObject(found);
}

function manifest(name: string): JsonObject {
  return {
    name: `@instana-integration/${name}`,
    version: '1.0.4',
    description: `Runtime metrics of ${name}`,
    author: 'somebody',
    license: 'MIT',
    publishConfig: { access: 'public' },
  };
}

interface Line {
  readonly label: string;
  readonly unit: string;
  readonly aggregation?: string;
  readonly series?: readonly [tag: string, value: string];
}

function filter(name: string, value: string): JsonObject {
  return { type: 'TAG_FILTER', name, value, operator: 'EQUALS', entity: 'NOT_APPLICABLE' };
}

const instance = [
  filter('otel.attribute.service.name', '{{servicename}}'),
  filter('otel.attribute.service.instance.id', '{{serviceinstanceid}}'),
];

function line(metric: string, { label, unit, aggregation = 'MEAN', series }: Line): JsonObject {
  const isOfEntity = metric.endsWith('}');
  return {
    metric,
    source: 'INFRASTRUCTURE_METRICS',
    type: isOfEntity ? 'customEntity' : 'openTelemetry',
    metricPath: isOfEntity ? ['Custom Entity', 'Custom Entity'] : ['Others', 'OpenTelemetry SDK'],
    label,
    unit,
    formatter: 'number.detailed',
    aggregation,
    crossSeriesAggregation: aggregation === 'PER_SECOND' ? 'SUM' : 'MEAN',
    tagFilterExpression: {
      type: 'EXPRESSION',
      logicalOperator: 'AND',
      elements: isOfEntity ? [] : [...instance, ...(series === undefined ? [] : [filter(...series)])],
    },
  };
}

function chart(y: number, title: string, formatter: string, ...metrics: readonly JsonObject[]): JsonObject {
  const y1 = { formatter, renderer: 'line', formatterSelected: true, metrics };
  const y2 = { formatter: 'number.detailed', renderer: 'line', metrics: [] };
  const config = { type: 'TIME_SERIES', shareMaxAxisDomain: false, y1, y2 };
  return { id: `w${y}`, title, type: 'chart', x: 0, y, width: 12, height: 13, config };
}

function dashboard(id: string, title: string, ...widgets: readonly JsonObject[]): JsonObject {
  const accessRules = [{ accessType: 'READ_WRITE', relationType: 'GLOBAL', relatedId: '' }];
  return { id, title, accessRules, widgets };
}

function entityMetric(path: string, label: string, formatter: string): JsonObject {
  return {
    type: 'openTelemetry',
    source: path,
    name: path,
    section: 'CUSTOM_ENTITY',
    label,
    formatter,
    aggregation: 'MEAN',
  };
}

function entity(
  label: string,
  language: string,
  identifiers: readonly string[],
  metrics: readonly JsonObject[],
): JsonObject {
  const elements = [filter('otel.attribute.telemetry.sdk.language', language)];
  const tagFilterExpression = { type: 'EXPRESSION', logicalOperator: 'AND', elements };
  return { data: { label, identifiers, tagFilterExpression, dashboards: [{ reference: 'entity.json' }], metrics } };
}

function event(
  name: string,
  query: string,
  metricName: string,
  aggregation: string,
  conditionValue: number,
): JsonObject {
  return {
    name,
    query,
    entityType: 'openTelemetry',
    expirationTime: 300_000,
    rules: [
      {
        ruleType: 'threshold',
        severity: 5,
        window: 300_000,
        metricName,
        aggregation,
        conditionOperator: '>',
        conditionValue,
      },
    ],
  };
}

function readme(
  name: string,
  dashboardName: string,
  extra: string,
  metrics: readonly (readonly [string, string])[],
): string {
  return `# @instana-integration/${name}

## Dashboards

| Dashboard | Description |
|---|---|
| ${dashboardName} | runtime metrics |

Import with \`stanctl-integration import --server https://tenant.example.com --set servicename=a --set serviceinstanceid=b\`.

${extra}

## Entities

## Events

## Metrics

| Metrics Name | Unit |
|---|---|
${metrics.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}
## Semantic Conventions

## Resource Attributes

| Attribute Key | Type |
|---|---|
| service.name | string |
| service.instance.id | string |
| telemetry.sdk.language | string |
`;
}

const system = 'opentelemetry.instrumentation.system_metrics';
const cpython = `metrics.sums.${system}/process.runtime.cpython`;

/** As the package for Python. */
export function pythonShape(): Files {
  const query = 'entity.type:"pythonRuntime"';
  const title = 'Python Runtime Monitoring';
  return {
    'package.json': manifest('python'),
    'README.md': readme('python', 'Python Runtime Metrics', '', [
      ['process.runtime.cpython.memory', 'By'],
      ['process.runtime.cpython.cpu_time', 's'],
      ['process.runtime.cpython.gc_count', '{count}'],
      ['system.disk.io', 'By'],
      ['system.network.io', 'By'],
    ]),
    'dashboards/runtime.json': dashboard(
      'python-1',
      title,
      chart(0, 'Memory', 'bytes.detailed', line(`${cpython}.memory`, { label: 'Memory', unit: 'byte' })),
      chart(13, 'CPU time', 'millis.detailed', line(`${cpython}.cpu_time`, { label: 'CPU time', unit: 'milisecond' })),
      chart(
        26,
        'Network I/O Events',
        'number.detailed',
        line(`metrics.sums.${system}/system.network.io`, { label: 'Messages', unit: 'number' }),
      ),
      chart(
        39,
        'Garbage collections',
        'number.detailed',
        line(`${cpython}.gc_count`, { label: 'collect 2', unit: 'number', series: ['metric.tag.count', '1'] }),
      ),
    ),
    'dashboards/entity.json': dashboard(
      'python-2',
      title,
      chart(0, 'Memory', 'bytes.detailed', line(`${cpython}.memory{type="rss"}`, { label: 'rss', unit: 'byte' })),
    ),
    'entities/python.json': entity(
      'Python Runtime',
      'python',
      ['otel.attribute.service.name', 'otel.attribute.sdk.language'],
      [
        entityMetric(`${cpython}.memory{type="rss"}`, 'Memory - rss', 'BYTES'),
        entityMetric(`${cpython}.gc_count{count="1"}`, 'collect 2', 'NUMBER'),
        entityMetric(`${cpython}.gc.collections{generation="0"}`, 'Collections of generation 0', 'NUMBER'),
      ],
    ),
    'events/memory.json': event('High Memory Usage', query, `${cpython}.memory`, 'avg', 1_073_741_824),
    'events/gc.json': event('Frequent Garbage Collection', query, `${cpython}.gc_count`, 'rate', 10),
    'events/disk.json': event('High Disk I/O', query, `metrics.sums.${system}/system.disk.io`, 'delta', 10_000),
    'events/threads.json': event('High Thread Count', query, `${cpython}.thread_count`, 'count', 50),
  };
}

const runtimeNode = '@opentelemetry/instrumentation-runtime-node';

/** As the package for Node.js. */
export function nodejsShape(): Files {
  const query = 'entity.type:"nodeJsRuntime"';
  const title = 'NodeJS Runtime Monitoring';
  const gauge = (name: string): string => `metrics.gauges.${runtimeNode}/${name}`;
  const duration = `metrics.histograms.${runtimeNode}/v8js.gc.duration`;
  return {
    'package.json': manifest('nodejs'),
    'README.md': readme('nodejs', 'NodeJS Runtime Metrics', 'Instrument with `{ monitoringPrecision: 5000 }`.', [
      ['v8js.gc.duration', 's'],
      ['v8js.memory.heap.used', 'By'],
      ['v8js.memory.heap.limit', 'By'],
      ['nodejs.eventloop.delay.max', 's'],
    ]),
    'dashboards/runtime.json': dashboard(
      'nodejs-1',
      title,
      chart(
        0,
        'GC duration',
        'millis.detailed',
        line(duration, { label: 'Incremantal', unit: 'second', series: ['metric.tag.v8js.gc.type', 'incremental'] }),
      ),
      chart(
        13,
        'Event Loop',
        'number.detailed',
        line(gauge('nodejs.eventloop.delay.max'), { label: 'Event loop maximum dealy', unit: 'number' }),
      ),
    ),
    'dashboards/entity.json': dashboard(
      'nodejs-2',
      title,
      chart(
        0,
        'Event Loop',
        'millis.detailed',
        line(`${gauge('nodejs.eventloop.delay.max')}{}`, { label: 'Longest delay', unit: 'second' }),
      ),
    ),
    'entities/nodejs.json': entity(
      'Node.js Runtime',
      'nodejs',
      ['otel.attribute.service.name', 'otel.attribute.service.instance.id'],
      [
        entityMetric(`${gauge('v8js.memory.heap.limit')}{v8js.heap.space.name="new_space"}`, 'new_space', 'BYTES'),
        entityMetric(`${gauge('v8js.memory.heap.used')}{v8js.heap.space.name="new_space"}`, 'new_space', 'BYTES'),
      ],
    ),
    'events/heap.json': event('High Heap Usage', query, gauge('v8js.memory.heap.used'), 'avg', 0.8),
    'events/leak.json': event('Memory Leak Detection', query, gauge('v8js.memory.heap.used'), 'rate', 0.05),
    'events/gc.json': event('Frequent Major GC', query, duration, 'count', 10),
  };
}

/** As the package for Go, whose events ask for an entity by a name that nothing has. */
export function goShape(): Files {
  const metric = 'metrics.sums.go.opentelemetry.io/contrib/instrumentation/runtime/process.runtime.go.goroutines';
  return {
    'package.json': manifest('go'),
    'events/goroutines.json': {
      ...event('High Goroutine Count', 'entity.type:"goLangRuntime"', metric, 'avg', 1000),
      enabled: true,
    },
  };
}

/** As the package for Jenkins, with an operator that the interface does not know. */
export function jenkinsShape(): Files {
  const stopped = event('Jenkins Stopped', 'entity.type:opentelemetry', 'metrics.gauges.jenkins/jenkins.up', 'avg', 0);
  return {
    'package.json': manifest('jenkins'),
    'events/stopped.json': {
      ...stopped,
      enabled: true,
      rules: asList(stopped['rules']).map((rule) => ({ ...asObject(rule), conditionOperator: '==' })),
    },
  };
}

interface Sent {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'counter' | 'up-down-counter' | 'histogram';
  readonly key?: string;
  readonly values?: readonly string[];
}

/** The body of an export request. */
export function exportOf(
  scope: string,
  resource: Readonly<Record<string, string>>,
  metrics: readonly Sent[],
): JsonObject {
  const attributesOf = (entries: readonly (readonly [string, string])[]): JsonObject[] =>
    entries.map(([key, value]) => ({ key, value: { stringValue: value } }));
  const toJson = ({ name, unit, kind, key, values }: Sent): JsonObject => {
    const figures = kind === 'histogram' ? { count: '3', sum: 0.5 } : { asDouble: 3 };
    const series = key === undefined ? [[]] : (values ?? []).map((value) => [[key, value] as const]);
    const dataPoints = series.map((entries) => ({ attributes: attributesOf(entries), timeUnixNano: '1', ...figures }));
    if (kind === 'gauge') return { name, unit, gauge: { dataPoints } };
    if (kind === 'histogram') return { name, unit, histogram: { aggregationTemporality: 2, dataPoints } };
    return { name, unit, sum: { aggregationTemporality: 2, isMonotonic: kind === 'counter', dataPoints } };
  };
  const scopeMetrics = [{ scope: { name: scope, version: '1.0.0' }, metrics: metrics.map(toJson) }];
  return { resourceMetrics: [{ resource: { attributes: attributesOf(Object.entries(resource)) }, scopeMetrics }] };
}

const service = { 'service.name': 'shop', 'service.instance.id': 'host-1:4711' };

/** What OpenTelemetry's instrumentation for Python sends. */
export const pythonCapture: readonly unknown[] = [
  exportOf(system, { ...service, 'telemetry.sdk.language': 'python' }, [
    {
      name: 'process.runtime.cpython.memory',
      unit: 'By',
      kind: 'up-down-counter',
      key: 'type',
      values: ['rss', 'vms'],
    },
    { name: 'process.runtime.cpython.cpu_time', unit: 's', kind: 'counter', key: 'type', values: ['user', 'system'] },
    {
      name: 'process.runtime.cpython.gc_count',
      unit: '{count}',
      kind: 'counter',
      key: 'count',
      values: ['0', '1', '2'],
    },
    { name: 'process.runtime.cpython.thread_count', unit: '{thread}', kind: 'up-down-counter' },
    {
      name: 'cpython.gc.collections',
      unit: '{collection}',
      kind: 'counter',
      key: 'generation',
      values: ['0', '1', '2'],
    },
    { name: 'system.disk.io', unit: 'By', kind: 'counter', key: 'direction', values: ['read', 'write'] },
    { name: 'system.network.io', unit: 'By', kind: 'counter', key: 'direction', values: ['receive', 'transmit'] },
  ]),
];

/** What OpenTelemetry's instrumentation for Node.js sends; it has counted 3 of each kind of collection. */
export const nodejsCapture: readonly unknown[] = [
  exportOf(runtimeNode, { ...service, 'telemetry.sdk.language': 'nodejs' }, [
    {
      name: 'v8js.gc.duration',
      unit: 's',
      kind: 'histogram',
      key: 'v8js.gc.type',
      values: ['minor', 'major', 'incremental', 'weakcb'],
    },
    {
      name: 'v8js.memory.heap.used',
      unit: 'By',
      kind: 'gauge',
      key: 'v8js.heap.space.name',
      values: ['new_space', 'old_space'],
    },
    { name: 'nodejs.eventloop.delay.max', unit: 's', kind: 'gauge' },
  ]),
];
