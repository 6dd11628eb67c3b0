// The memory that the sensor needs: after the start, after many requests, and after a garbage collection.
import type { Benchmark, Measured, Report } from '../benchmark.js';
import { express } from '../cases.js';
import type { Options } from '../options.js';
import { measureProcessRuns, voidsOf } from '../process-runs.js';
import type { Memory, RunningApp } from '../running-app.js';
import { differences, type Mean, meanCell, meanOf, quartiles, table } from '../statistics.js';
import { bare, bareAgain, floor, peers, sensor } from '../variants.js';

export const memoryColumns = ['RSS at start', 'heap at start', 'RSS later', 'heap later', 'heap collected'] as const;

export interface MemoryResult {
  readonly requests: number;
  readonly generations: number;
  readonly unit: 'MiB';
  readonly variants: readonly {
    readonly name: string;
    readonly void: string | null;
    /** In the order of `memoryColumns`: medians of the process runs. */
    readonly absolute: readonly number[];
    readonly difference: readonly Mean[];
  }[];
}

const blockRequests = 1000;

/** The five numbers of one application; `start` has the first two. */
async function measure(app: RunningApp, start: Memory, requests: number): Promise<number[]> {
  for (let sent = 0; sent < requests; sent += blockRequests) {
    await app.send(Math.min(blockRequests, requests - sent));
    await app.delivered();
  }
  const later = await app.memory();
  const collected = await app.memoryCollected();
  return [start.rssBytes, start.heapBytes, later.rssBytes, later.heapBytes, collected.heapBytes].map(
    (bytes) => bytes / 2 ** 20,
  );
}

export async function memory(options: Options): Promise<MemoryResult> {
  const requests = options.count('requests', 50_000, 2000);
  const generations = options.count('generations', 3, 1);
  const variants = [bare, bareAgain, floor, sensor, ...(options.is('peers') ? peers : [])];
  const appCase = { ...express, nodeArguments: ['--expose-gc'] };
  const found = await measureProcessRuns(variants, appCase, generations, async (apps) => {
    const values: number[][] = [];
    const starts = await Promise.all(apps.map(async (app) => ({ app, start: await app.memory() })));
    for (const { app, start } of starts) values.push(await measure(app, start, requests));
    return values;
  });
  const column = (variant: number, at: number): number[] =>
    (found[variant]?.series ?? []).map((values) => values[at] ?? Number.NaN);
  return {
    requests,
    generations,
    unit: 'MiB',
    variants: found.map(({ name, void: reason }, variant) => ({
      name,
      void: reason,
      absolute: memoryColumns.map((_, at) => quartiles(column(variant, at)).median),
      difference: memoryColumns.map((_, at) => meanOf(differences(column(variant, at), column(0, at)))),
    })),
  };
}

/** The budget of each column. */
const budgetNames = ['memory-start', null, 'memory-later', null, 'memory-collected'] as const;

function measuredOf({ variants }: MemoryResult): Measured[] {
  const own = variants.find(({ name }) => name === sensor.name);
  return budgetNames.flatMap((budget, column) => {
    const mean = own?.difference[column];
    return budget === null || mean === undefined ? [] : [{ budget, value: mean.mean, bare: null }];
  });
}

export const memoryBenchmark: Benchmark = {
  name: 'memory',
  title: 'Memory',
  async run(options): Promise<Report> {
    const result = await memory(options);
    const text = [
      `MiB, at the start and after ${result.requests} requests; process runs: ${result.generations}`,
      table(
        ['median', ...memoryColumns],
        result.variants.map(({ name, absolute }) => [name, ...absolute]),
      ),
      table(
        ['difference to bare', ...memoryColumns],
        result.variants.slice(1).map(({ name, difference }) => [name, ...difference.map(meanCell)]),
      ),
    ].join('\n\n');
    return { result, text, measured: measuredOf(result), voids: voidsOf(result.variants) };
  },
};
