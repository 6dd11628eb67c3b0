// What the sensor costs a server without requests: metrics each second, those over OTLP, and the connection to the agent.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Report } from '../benchmark.js';
import { express } from '../cases.js';
import type { Options } from '../options.js';
import { measureProcessRuns, voidsOf } from '../process-runs.js';
import { warmUp } from '../rounds.js';
import { table } from '../statistics.js';
import { bare, bareAgain, floor, peers, sensor, sensorWith, sensorWithOtlpMetrics, type Variant } from '../variants.js';

export interface IdleResult {
  readonly seconds: number;
  /** CPU per minute. */
  readonly variants: readonly { readonly name: string; readonly void: string | null; readonly cpuMs: number }[];
}

const ownVariants: readonly Variant[] = [
  bare,
  bareAgain,
  floor,
  sensor,
  sensorWithOtlpMetrics,
  sensorWith('metrics off', { INSTANA_METRICS_ENABLED: 'false' }, true),
  sensorWith('tracing off', { INSTANA_TRACING_DISABLE: 'true' }, false),
];
const warmUpRequests = 1000;
/** V8 collects the garbage of the warm-up some 8 seconds after the last allocations. */
const settleMs = 20_000;

/** Measures all variants at the same time. */
export async function idle(options: Options): Promise<IdleResult> {
  const seconds = options.count('seconds', 60, 3);
  const variants = [...ownVariants, ...(options.is('peers') ? peers : [])];
  const series = await measureProcessRuns(variants, express, 1, async (apps) => {
    await warmUp(apps, warmUpRequests);
    await sleep(settleMs);
    const before = await Promise.all(apps.map((app) => app.cpu()));
    await sleep(seconds * 1000);
    const after = await Promise.all(apps.map((app) => app.cpu()));
    return after.map(({ processMicros }, index) => [processMicros - (before[index]?.processMicros ?? Number.NaN)]);
  });
  return {
    seconds,
    variants: series.map(({ name, void: reason, series: [micros] }) => ({
      name,
      void: reason,
      cpuMs: ((micros?.[0] ?? Number.NaN) / 1000) * (60 / seconds),
    })),
  };
}

export const idleBenchmark: Benchmark = {
  name: 'idle',
  title: 'Idle minute',
  async run(options): Promise<Report> {
    const result = await idle(options);
    const rows = result.variants.map(({ name, cpuMs }) => [name, cpuMs, `${(cpuMs / 600).toFixed(2)} %`]);
    const own = result.variants.find(({ name }) => name === sensor.name);
    const text =
      `A server without requests for ${result.seconds} s, all variants at the same time\n\n` +
      table(['CPU ms per minute', 'process', 'of a core'], rows);
    return {
      result,
      text,
      measured: own === undefined ? [] : [{ budget: 'idle', value: own.cpuMs, bare: null }],
      voids: voidsOf(result.variants),
    };
  },
};
