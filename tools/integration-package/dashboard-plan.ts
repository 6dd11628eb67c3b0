// The content of both dashboards from top to bottom: the health of the process first, then the details.

/** A metric of a chart. */
export interface Part {
  /** The name of a metric in the registry. */
  readonly metric: string;
  /** Shows only these series, each as a line; all series when absent. */
  readonly values?: readonly string[];
}

/** A chart over time. */
export interface Chart {
  readonly title: string;
  /** All have the same unit, since they share an axis. */
  readonly parts: readonly Part[];
}

/** A single figure. */
export interface Tile {
  readonly title: string;
  readonly metric: string;
}

const prefix = 'process.runtime.nodejs.';
const delay = 'nodejs.eventloop.delay.';

/** The figures that show whether the process is healthy. */
export const tiles: readonly Tile[] = [
  { title: 'CPU utilization', metric: `${prefix}cpu.utilization` },
  { title: 'Memory utilization', metric: `${prefix}memory.utilization` },
  { title: 'Heap utilization', metric: `${prefix}heap.utilization` },
  { title: 'Event loop delay, p99', metric: `${delay}p99` },
  { title: 'Event loop utilization', metric: 'nodejs.eventloop.utilization' },
  { title: 'Time in garbage collection', metric: `${prefix}gc.time_ratio` },
  { title: 'Heap growth per second', metric: `${prefix}heap.growth_rate` },
  { title: 'Threads', metric: `${prefix}thread_count` },
];

function chart(title: string, ...parts: readonly (string | Part)[]): Chart {
  return { title, parts: parts.map((part) => (typeof part === 'string' ? { metric: part } : part)) };
}

/** Each list starts a new row: processor, memory, event loop, garbage collection, threads, input and output. */
export const sections: readonly (readonly Chart[])[] = [
  [
    chart('CPU utilization over time', `${prefix}cpu.utilization`),
    chart('CPU time per second, by mode', `${prefix}cpu_time`),
    chart('Context switches per second, by type', `${prefix}context_switches`),
    chart('Involuntary context switches per second', `${prefix}context_switches.involuntary.rate`),
  ],
  [
    chart('Memory, by type', {
      metric: `${prefix}memory`,
      values: ['rss', 'heap_total', 'heap_used', 'external', 'array_buffers'],
    }),
    chart('Memory and heap utilization', `${prefix}memory.utilization`, `${prefix}heap.utilization`),
    chart('Heap growth per second, after major collections', `${prefix}heap.growth_rate`),
    chart('Used heap, by heap space', 'v8js.memory.heap.used'),
    chart('Available heap, by heap space', 'v8js.memory.heap.space.available_size'),
    chart('Committed heap, by heap space', 'v8js.memory.heap.space.physical_size'),
    chart('Heap size, by heap space', 'v8js.memory.heap.space.size'),
    chart('Address space', { metric: `${prefix}memory`, values: ['vms'] }),
  ],
  [
    chart('Event loop delay, percentiles', `${delay}p50`, `${delay}p90`, `${delay}p99`),
    chart('Event loop delay, spread', `${delay}min`, `${delay}mean`, `${delay}max`, `${delay}stddev`),
    chart('Event loop utilization over time', 'nodejs.eventloop.utilization'),
    chart('Event loop time per second, by state', 'nodejs.eventloop.time'),
  ],
  [
    chart('Time in garbage collection over time', `${prefix}gc.time_ratio`),
    chart('Garbage collection duration, by type', 'v8js.gc.duration'),
    chart('Garbage collections per second, by type', `${prefix}gc_count`),
    chart('Major garbage collections per second', `${prefix}gc.major.rate`),
  ],
  [chart('Threads over time', `${prefix}thread_count`), chart('Active resources, by type', 'v8js.resource.active')],
  [
    chart('Disk I/O of the process per second', `${prefix}disk_io.rate`),
    chart('Disk I/O of the process per second, by direction', `${prefix}disk_io`),
    chart('Network I/O per second', 'system.network.io.rate'),
    chart('Network I/O per second, by direction', 'system.network.io'),
    chart('Disk I/O of the host per second, by direction', 'system.disk.io'),
  ],
];
