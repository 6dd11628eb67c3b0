// The registry of every metric that the sensor emits over OTLP. The payloads, the integration package (dashboards, entity, events)
// and the tables of its README are generated from it.

/** Scope of all metrics. It is part of each metric's path in Instana, so a new name would break every dashboard and event. */
export const metricScope = '@instana/ts-sensor';

/** As in OTLP: a counter is a monotonic sum, an up-down counter a non-monotonic one. Sums and histograms are cumulative. */
export type MetricKind = 'counter' | 'up-down-counter' | 'gauge' | 'histogram';

/** UCUM units in OpenTelemetry's notation. */
export type MetricUnit =
  | '1'
  | 'By'
  | 'By/s'
  | 's'
  | '{switch}'
  | '{switch}/s'
  | '{thread}'
  | '{collection}'
  | '{collection}/s'
  | '{resource}';

/** A value of `process.platform`. */
export type MetricPlatform = 'linux' | 'darwin' | 'win32';

/** The attribute that distinguishes the series of a metric. A metric has at most one, so that filters stay unambiguous. */
export interface MetricAttribute {
  readonly key: string;
  /** Every possible value; null if Node.js or V8 defines them. */
  readonly values: readonly string[] | null;
  /** Values that exist on some platforms only. */
  readonly platformsOf?: Readonly<Record<string, readonly MetricPlatform[]>>;
}

export interface MetricRecord {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: MetricUnit;
  /** Title of its chart. */
  readonly title: string;
  readonly description: string;
  readonly attribute: MetricAttribute | null;
  /** Platforms that have the metric; elsewhere it is absent, never 0. */
  readonly platforms: readonly MetricPlatform[];
}

const everywhere: readonly MetricPlatform[] = ['linux', 'darwin', 'win32'];
const linux: readonly MetricPlatform[] = ['linux'];
const unix: readonly MetricPlatform[] = ['linux', 'darwin'];

const processPrefix = 'process.runtime.nodejs.';

type Series = Partial<Pick<MetricRecord, 'attribute' | 'platforms'>>;

function metric(
  [kind, unit]: readonly [MetricKind, MetricUnit],
  name: string,
  title: string,
  description: string,
  { attribute = null, platforms = everywhere }: Series = {},
): MetricRecord {
  return { name, kind, unit, title, description, attribute, platforms };
}

function oneOf(key: string, ...values: string[]): MetricAttribute {
  return { key, values };
}

function any(key: string): MetricAttribute {
  return { key, values: null };
}

const memoryTypes: MetricAttribute = {
  ...oneOf('type', 'rss', 'heap_total', 'heap_used', 'external', 'array_buffers', 'vms'),
  platformsOf: { vms: linux },
};
const directions = oneOf('direction', 'read', 'write');
const heapSpaces = any('v8js.heap.space.name');

/** In the order that helps a person on call: the process, its memory, event loop, garbage collections, threads, input and output. */
export const metricRegistry: readonly MetricRecord[] = [
  metric(
    ['gauge', '1'],
    `${processPrefix}cpu.utilization`,
    'CPU utilization',
    'CPU time of the process over elapsed time; a share of one core, more than 1 when several are busy',
  ),
  metric(['counter', 's'], `${processPrefix}cpu_time`, 'CPU time', 'CPU time of the process, by mode', {
    attribute: oneOf('type', 'user', 'system'),
  }),
  metric(
    ['counter', '{switch}'],
    `${processPrefix}context_switches`,
    'Context switches',
    'Context switches of all threads of the process',
    { attribute: oneOf('type', 'voluntary', 'involuntary'), platforms: unix },
  ),
  metric(
    ['gauge', '{switch}/s'],
    `${processPrefix}context_switches.involuntary.rate`,
    'Involuntary context switches',
    'Involuntary context switches a second since the last export: how often the system took a core away',
    { platforms: unix },
  ),
  metric(
    ['up-down-counter', 'By'],
    `${processPrefix}memory`,
    'Memory',
    'Memory of the process, by type; `vms` is the address space',
    { attribute: memoryTypes },
  ),
  metric(
    ['gauge', '1'],
    `${processPrefix}memory.utilization`,
    'Memory utilization',
    'Resident memory over the limit of the container, or over the memory of the machine where there is none',
  ),
  metric(
    ['gauge', '1'],
    `${processPrefix}heap.utilization`,
    'Heap utilization',
    'Used heap over the limit at which V8 gives up',
  ),
  metric(
    ['gauge', 'By/s'],
    `${processPrefix}heap.growth_rate`,
    'Heap growth',
    'Slope of the used heap right after major collections during the last 10 minutes; 0 until there were two',
  ),
  metric(['gauge', 'By'], 'v8js.memory.heap.used', 'Used heap', 'Used bytes of each heap space', {
    attribute: heapSpaces,
  }),
  metric(
    ['gauge', 'By'],
    'v8js.memory.heap.space.available_size',
    'Available heap',
    'Bytes of each heap space that can still be used',
    { attribute: heapSpaces },
  ),
  metric(
    ['gauge', 'By'],
    'v8js.memory.heap.space.physical_size',
    'Committed heap',
    'Committed bytes of each heap space',
    { attribute: heapSpaces },
  ),
  metric(['up-down-counter', 'By'], 'v8js.memory.heap.space.size', 'Heap size', 'Size of each heap space', {
    attribute: heapSpaces,
  }),
  metric(
    ['gauge', '1'],
    'nodejs.eventloop.utilization',
    'Event loop utilization',
    'Share of time that the event loop was busy since the last export',
  ),
  metric(['counter', 's'], 'nodejs.eventloop.time', 'Event loop time', 'Time of the event loop, by state', {
    attribute: oneOf('nodejs.eventloop.state', 'active', 'idle'),
  }),
  metric(
    ['gauge', 's'],
    'nodejs.eventloop.delay.min',
    'Event loop delay, minimum',
    'Least delay of the event loop since the last export',
  ),
  metric(
    ['gauge', 's'],
    'nodejs.eventloop.delay.max',
    'Event loop delay, maximum',
    'Greatest delay of the event loop since the last export',
  ),
  metric(
    ['gauge', 's'],
    'nodejs.eventloop.delay.mean',
    'Event loop delay, mean',
    'Mean delay of the event loop since the last export',
  ),
  metric(
    ['gauge', 's'],
    'nodejs.eventloop.delay.stddev',
    'Event loop delay, standard deviation',
    'Standard deviation of the delay of the event loop since the last export',
  ),
  metric(
    ['gauge', 's'],
    'nodejs.eventloop.delay.p50',
    'Event loop delay, p50',
    'Median delay of the event loop since the last export',
  ),
  metric(
    ['gauge', 's'],
    'nodejs.eventloop.delay.p90',
    'Event loop delay, p90',
    '90th percentile of the delay of the event loop since the last export',
  ),
  metric(
    ['gauge', 's'],
    'nodejs.eventloop.delay.p99',
    'Event loop delay, p99',
    '99th percentile of the delay of the event loop since the last export',
  ),
  metric(
    ['counter', '{collection}'],
    `${processPrefix}gc_count`,
    'Garbage collections',
    'Garbage collections, by type',
    { attribute: oneOf('type', 'minor', 'major', 'incremental', 'weakcb') },
  ),
  metric(
    ['gauge', '{collection}/s'],
    `${processPrefix}gc.major.rate`,
    'Major garbage collections',
    'Major garbage collections a second since the last export',
  ),
  metric(
    ['gauge', '1'],
    `${processPrefix}gc.time_ratio`,
    'Time in garbage collection',
    'Share of time spent in garbage collection since the last export',
  ),
  metric(
    ['histogram', 's'],
    'v8js.gc.duration',
    'Garbage collection duration',
    'Duration of garbage collections, by type',
    { attribute: oneOf('v8js.gc.type', 'minor', 'major', 'incremental', 'weakcb') },
  ),
  metric(
    ['up-down-counter', '{thread}'],
    `${processPrefix}thread_count`,
    'Threads',
    'Threads of the process, those of Node.js and V8 included',
    { platforms: linux },
  ),
  metric(
    ['gauge', '{resource}'],
    'v8js.resource.active',
    'Active resources',
    'Resources that keep the event loop alive, by type',
    { attribute: any('v8js.resource.type') },
  ),
  metric(
    ['counter', 'By'],
    `${processPrefix}disk_io`,
    'Disk I/O of the process',
    'Bytes that the process has read from and written to disks',
    { attribute: directions, platforms: linux },
  ),
  metric(
    ['gauge', 'By/s'],
    `${processPrefix}disk_io.rate`,
    'Disk I/O rate of the process',
    'Bytes a second that the process moved from and to disks since the last export',
    { platforms: linux },
  ),
  metric(
    ['counter', 'By'],
    'system.disk.io',
    'Disk I/O of the host',
    'Bytes that all processes have read from and written to the disks of the host, since the start of the sensor',
    { attribute: directions, platforms: linux },
  ),
  metric(
    ['counter', 'By'],
    'system.network.io',
    'Network I/O',
    'Bytes received and transmitted in the network namespace of the process, loopback left out, since the start of the sensor',
    { attribute: oneOf('direction', 'receive', 'transmit'), platforms: linux },
  ),
  metric(
    ['gauge', 'By/s'],
    'system.network.io.rate',
    'Network I/O rate',
    'Bytes a second, received and transmitted, since the last export',
    { platforms: linux },
  ),
];

/** The metric's path in Instana, without a series selector. */
export function metricPath({ kind, name }: Pick<MetricRecord, 'kind' | 'name'>): string {
  const group = kind === 'gauge' ? 'gauges' : kind === 'histogram' ? 'histograms' : 'sums';
  return `metrics.${group}.${metricScope}/${name}`;
}

/** The registry's record of a metric; undefined for an unknown name. */
export function findMetric(name: string): MetricRecord | undefined {
  return metricRegistry.find((record) => record.name === name);
}

/** Whether a metric exists on `platform`, a value of `process.platform`. Metrics not limited to some platforms exist on all. */
export function existsOn({ platforms }: Pick<MetricRecord, 'platforms'>, platform: string): boolean {
  return platforms.length === everywhere.length || platforms.some((candidate) => candidate === platform);
}
