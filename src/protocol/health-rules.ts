// Alert rules on the runtime's metrics: the integration package ships them as custom events, the local agent evaluates them live.
// Rules use metrics with a single series only, because an average over several series has no meaning.

/** How the values of a window are aggregated. */
export type RuleAggregation = 'avg' | 'min' | 'max';

export interface HealthCondition {
  /** Name of a metric in the registry. */
  readonly metric: string;
  readonly aggregation: RuleAggregation;
  /** The condition holds while the aggregated value is greater than this, in the metric's unit. */
  readonly above: number;
}

/** An alert rule. It holds while all of its conditions hold. */
export interface HealthRule {
  readonly name: string;
  readonly description: string;
  readonly severity: 'warning' | 'critical';
  readonly windowMs: number;
  readonly conditions: readonly HealthCondition[];
}

const windowMs = 300_000;
const leakWindowMs = 600_000;
const mebibyte = 1024 * 1024;
const prefix = 'process.runtime.nodejs.';

type Part = readonly [metric: string, aggregation: RuleAggregation, above: number];

function rule(
  severity: HealthRule['severity'],
  title: string,
  description: string,
  parts: readonly Part[],
  window: number = windowMs,
): HealthRule {
  return {
    name: `${title} in Node.js Application`,
    description,
    severity,
    windowMs: window,
    conditions: parts.map(([metric, aggregation, above]) => ({ metric, aggregation, above })),
  };
}

/** All rules. A condition on `min` holds only if it holds during the whole window. */
export const healthRules: readonly HealthRule[] = [
  rule(
    'critical',
    'Excessive Context Switching',
    'The system takes cores away from the process more than 1000 times a second: more threads want to run than there are cores.',
    [[`${prefix}context_switches.involuntary.rate`, 'avg', 1000]],
  ),
  rule(
    'warning',
    'Frequent Garbage Collection',
    'More than 12 major garbage collections a minute: the heap is nearly full, or large objects come and go.',
    [[`${prefix}gc.major.rate`, 'avg', 0.2]],
  ),
  rule(
    'critical',
    'High CPU Utilization',
    'The process uses more than 80 % of a core. JavaScript runs on one, so requests begin to queue.',
    [[`${prefix}cpu.utilization`, 'avg', 0.8]],
  ),
  rule('warning', 'High Disk I/O', 'The process moves more than 50 MiB a second from and to disks.', [
    [`${prefix}disk_io.rate`, 'avg', 50 * mebibyte],
  ]),
  rule(
    'critical',
    'High Memory Usage',
    'The process uses more than 85 % of the memory that its container or machine has.',
    [[`${prefix}memory.utilization`, 'avg', 0.85]],
  ),
  rule(
    'warning',
    'High Network I/O',
    'More than 25 MiB a second go through the network interfaces that the process sees.',
    [['system.network.io.rate', 'avg', 25 * mebibyte]],
  ),
  rule('critical', 'High Thread Count', 'The process has more than 50 threads; an idle one has about 7.', [
    [`${prefix}thread_count`, 'avg', 50],
  ]),
  rule(
    'critical',
    'Memory Leak Detection',
    'What is left of the heap after major collections has grown by more than 100 KiB a second all the time, and the heap is more than half full.',
    [
      [`${prefix}heap.growth_rate`, 'min', 100 * 1024],
      [`${prefix}heap.utilization`, 'avg', 0.5],
    ],
    leakWindowMs,
  ),
  rule(
    'critical',
    'High Event Loop Delay',
    'One turn of the event loop in a hundred comes more than 100 ms late: something blocks it.',
    [['nodejs.eventloop.delay.p99', 'avg', 0.1]],
  ),
  rule(
    'critical',
    'Heap Space Exhaustion',
    'The heap has been more than 90 % full all the time; V8 ends the process when it is full.',
    [[`${prefix}heap.utilization`, 'min', 0.9]],
  ),
];
