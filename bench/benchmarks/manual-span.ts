// The cost of a manual span: start, two tags, finish, and its share of encoding and sending.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Report } from '../benchmark.js';
import { ChildProcess } from '../child-process.js';
import type { Options } from '../options.js';
import { voidsOf } from '../process-runs.js';
import type { Arrived } from '../receivers/receiver.js';
import type { Cpu } from '../running-app.js';
import {
  type Mean,
  meanCell,
  meanOf,
  type Quartiles,
  quartiles,
  quartilesCells,
  quartilesHead,
  table,
} from '../statistics.js';
import { sensor, sensorWith, type Variant } from '../variants.js';

export interface ManualSpanVariant {
  readonly name: string;
  readonly void: string | null;
  readonly cpuMicros: Quartiles;
  readonly ofGenerations: Mean;
}

export interface ManualSpanResult {
  readonly blocks: number;
  readonly generations: number;
  readonly unit: 'CPU µs per span';
  readonly variants: readonly ManualSpanVariant[];
}

const variants: readonly Variant[] = [sensor, sensorWith('no stacks', { INSTANA_STACK_TRACE: 'none' }, true)];
const warmUpBlocks = 3;

/** CPU microseconds per span, block by block; void when a span has not arrived. */
async function measure(variant: Variant, blocks: number): Promise<{ series: number[]; void: string | null }> {
  const receiver = new ChildProcess('build/bench/receivers/receiver-process.js', { env: { RECEIVER: 'instana' } });
  const env = variant.env(await receiver.port());
  const app = new ChildProcess('bench/apps/manual.cjs', { env, nodeArguments: variant.preload });
  try {
    await app.port();
    while (!(await receiver.ask<Arrived>('count')).isKnown) await sleep(50);
    const series: number[] = [];
    let made = 0;
    for (let block = -warmUpBlocks; block < blocks; block++) {
      const before = await app.ask<Cpu>('cpu');
      const { spans } = await app.ask<{ spans: number }>('spans');
      const after = await app.ask<Cpu>('cpu');
      made += spans;
      if (block >= 0) series.push((after.processMicros - before.processMicros) / spans);
    }
    const { entries, exits, others } = await receiver.ask<Arrived>('count');
    const arrived = entries + exits + others;
    return { series, void: arrived === made ? null : `${made} spans, but ${arrived} arrived` };
  } finally {
    await Promise.all([app.stop(), receiver.stop()]);
  }
}

async function measureVariant(variant: Variant, blocks: number, generations: number): Promise<ManualSpanVariant> {
  const found: number[][] = [];
  let reason: string | null = null;
  for (let processRun = 0; processRun < generations; processRun++) {
    const measured = await measure(variant, blocks);
    found.push(measured.series);
    reason ??= measured.void;
  }
  const ofGenerations = meanOf(found.map((series) => quartiles(series).median));
  return { name: variant.name, void: reason, cpuMicros: quartiles(found.flat()), ofGenerations };
}

export async function manualSpan(options: Options): Promise<ManualSpanResult> {
  const blocks = options.count('blocks', 30, 6);
  const generations = options.count('generations', 4, 1);
  const measured: ManualSpanVariant[] = [];
  for (const variant of variants) measured.push(await measureVariant(variant, blocks, generations));
  return { blocks, generations, unit: 'CPU µs per span', variants: measured };
}

export const manualSpanBenchmark: Benchmark = {
  name: 'manual-span',
  title: 'Manual span',
  async run(options): Promise<Report> {
    const result = await manualSpan(options);
    const { generations, blocks, unit } = result;
    const rows = result.variants.map(({ name, cpuMicros, ofGenerations }) => [
      name,
      ...quartilesCells(cpuMicros),
      meanCell(ofGenerations),
    ]);
    const text =
      `Start, two tags, finish, below a parent; sent 500 at a time; the first 100 of a second have a stack. Process runs: ${generations}; blocks of 10000 spans: ${blocks}\n\n` +
      table([unit, ...quartilesHead, 'process runs'], rows);
    const measured = result.variants
      .slice(0, 1)
      .map(({ ofGenerations }) => ({ budget: 'manual-span', value: ofGenerations.mean, bare: null }));
    return { result, text, measured, voids: voidsOf(result.variants) };
  },
};
