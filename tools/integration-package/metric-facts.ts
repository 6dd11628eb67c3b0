// What is known of a metric without seeing it sent: ours by the registry, those of the runtimes of others by their conventions.
import { findMetric, type MetricKind, metricScope } from '../../src/protocol/metric-registry.js';

export interface MetricFacts {
  readonly kind: MetricKind;
  readonly unit: string;
  readonly attribute: { readonly key: string; readonly values: readonly string[] | null } | null;
  /** No version sends it any more. */
  readonly isGone?: true;
  /** What it counts, where its name suggests another thing. */
  readonly counts?: string;
}

function facts(kind: MetricKind, unit: string, key?: string, ...values: readonly string[]): MetricFacts {
  return { kind, unit, attribute: key === undefined ? null : { key, values: values.length === 0 ? null : values } };
}

const cpython = 'process.runtime.cpython.';
const collections = ['minor', 'major', 'incremental', 'weakcb'];
const heapSpace = 'v8js.heap.space.name';
const delays = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

/** Runtime metrics that other packages refer to, as the instrumentations of OpenTelemetry send them. */
const conventions: Readonly<Record<string, MetricFacts>> = {
  [`${cpython}context_switches`]: facts('counter', '{switch}', 'type', 'involuntary', 'voluntary'),
  [`${cpython}cpu.utilization`]: facts('gauge', '1'),
  [`${cpython}cpu_time`]: facts('counter', 's', 'type', 'user', 'system'),
  [`${cpython}thread_count`]: facts('up-down-counter', '{thread}'),
  [`${cpython}memory`]: facts('up-down-counter', 'By', 'type', 'rss', 'vms'),
  [`${cpython}gc_count`]: {
    ...facts('counter', '{count}', 'count', '0', '1', '2'),
    counts: 'allocations since the last collection',
  },
  'cpython.gc.collections': facts('counter', '{collection}', 'generation', '0', '1', '2'),
  'cpython.gc.collected_objects': facts('counter', '{object}', 'generation', '0', '1', '2'),
  'cpython.gc.uncollectable_objects': facts('counter', '{object}', 'generation', '0', '1', '2'),
  'system.disk.io': facts('counter', 'By', 'direction', 'read', 'write'),
  'system.network.io': facts('counter', 'By', 'direction', 'receive', 'transmit'),
  'v8js.gc.duration': facts('histogram', 's', 'v8js.gc.type', ...collections),
  'v8js.memory.heap.limit': { ...facts('gauge', 'By', heapSpace), isGone: true },
  'v8js.memory.heap.used': facts('gauge', 'By', heapSpace),
  'v8js.memory.heap.space.size': facts('up-down-counter', 'By', heapSpace),
  'v8js.memory.heap.space.available_size': facts('gauge', 'By', heapSpace),
  'v8js.memory.heap.space.physical_size': facts('gauge', 'By', heapSpace),
  'nodejs.eventloop.utilization': facts('gauge', '1'),
  'nodejs.eventloop.time': facts('counter', 's', 'nodejs.eventloop.state', 'active', 'idle'),
  ...Object.fromEntries(delays.map((name) => [`nodejs.eventloop.delay.${name}`, facts('gauge', 's')])),
};

/** Null for a metric that nothing is known of. */
export function factsOf(scope: string, name: string): MetricFacts | null {
  return (scope === metricScope ? findMetric(name) : conventions[name]) ?? null;
}

/** As the path of a metric says it. */
export function groupOf(kind: MetricKind): 'gauges' | 'sums' | 'histograms' {
  if (kind === 'gauge') return 'gauges';
  return kind === 'histogram' ? 'histograms' : 'sums';
}
