// What metrics are by definition: those of the sensor by its registry, those of other runtimes by OpenTelemetry's conventions.
import { findMetric, type MetricKind, metricScope } from '../../src/protocol/metric-registry.js';

/** The definition of a metric. */
export interface MetricDefinition {
  readonly kind: MetricKind;
  readonly unit: string;
  readonly attribute: { readonly key: string; readonly values: readonly string[] | null } | null;
  /** Set for a metric that no version sends any more. */
  readonly isGone?: true;
  /** What the metric counts, when its name suggests something else. */
  readonly counts?: string;
}

function definition(kind: MetricKind, unit: string, key?: string, ...values: readonly string[]): MetricDefinition {
  return { kind, unit, attribute: key === undefined ? null : { key, values: values.length === 0 ? null : values } };
}

const cpython = 'process.runtime.cpython.';
const collections = ['minor', 'major', 'incremental', 'weakcb'];
const heapSpace = 'v8js.heap.space.name';
const delays = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

/** Runtime metrics in other packages, as the instrumentations of OpenTelemetry send them. */
const conventions: Readonly<Record<string, MetricDefinition>> = {
  [`${cpython}context_switches`]: definition('counter', '{switch}', 'type', 'involuntary', 'voluntary'),
  [`${cpython}cpu.utilization`]: definition('gauge', '1'),
  [`${cpython}cpu_time`]: definition('counter', 's', 'type', 'user', 'system'),
  [`${cpython}thread_count`]: definition('up-down-counter', '{thread}'),
  [`${cpython}memory`]: definition('up-down-counter', 'By', 'type', 'rss', 'vms'),
  [`${cpython}gc_count`]: {
    ...definition('counter', '{count}', 'count', '0', '1', '2'),
    counts: 'allocations since the last collection',
  },
  'cpython.gc.collections': definition('counter', '{collection}', 'generation', '0', '1', '2'),
  'cpython.gc.collected_objects': definition('counter', '{object}', 'generation', '0', '1', '2'),
  'cpython.gc.uncollectable_objects': definition('counter', '{object}', 'generation', '0', '1', '2'),
  'system.disk.io': definition('counter', 'By', 'direction', 'read', 'write'),
  'system.network.io': definition('counter', 'By', 'direction', 'receive', 'transmit'),
  'v8js.gc.duration': definition('histogram', 's', 'v8js.gc.type', ...collections),
  'v8js.memory.heap.limit': { ...definition('gauge', 'By', heapSpace), isGone: true },
  'v8js.memory.heap.used': definition('gauge', 'By', heapSpace),
  'v8js.memory.heap.space.size': definition('up-down-counter', 'By', heapSpace),
  'v8js.memory.heap.space.available_size': definition('gauge', 'By', heapSpace),
  'v8js.memory.heap.space.physical_size': definition('gauge', 'By', heapSpace),
  'nodejs.eventloop.utilization': definition('gauge', '1'),
  'nodejs.eventloop.time': definition('counter', 's', 'nodejs.eventloop.state', 'active', 'idle'),
  ...Object.fromEntries(delays.map((name) => [`nodejs.eventloop.delay.${name}`, definition('gauge', 's')])),
};

/** The definition of a metric; null for an unknown metric. */
export function definitionOf(scope: string, name: string): MetricDefinition | null {
  return (scope === metricScope ? findMetric(name) : conventions[name]) ?? null;
}

/** The group of a metric in its path. */
export function groupOf(kind: MetricKind): 'gauges' | 'sums' | 'histograms' {
  if (kind === 'gauge') return 'gauges';
  return kind === 'histogram' ? 'histograms' : 'sums';
}
