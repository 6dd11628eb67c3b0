// The top rate of an application, as a share of the rate of the bare application in the same round.
import type { Benchmark, Report } from '../benchmark.js';
import { express } from '../cases.js';
import type { Options } from '../options.js';
import { measureProcessRuns, voidsOf } from '../process-runs.js';
import { measureRounds, warmUp } from '../rounds.js';
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
import { bare, bareAgain, floor, peers, sensor } from '../variants.js';

export interface ThroughputResult {
  readonly blocks: number;
  readonly requests: number;
  readonly generations: number;
  readonly variants: readonly {
    readonly name: string;
    readonly void: string | null;
    readonly requestsPerSecond: Quartiles;
    /** Per cent of bare. */
    readonly share: Quartiles;
    readonly ofGenerations: Mean;
  }[];
}

export async function throughput(options: Options): Promise<ThroughputResult> {
  const blocks = options.count('blocks', 16, 4);
  const requests = options.count('requests', 4000, 500);
  const generations = options.count('generations', 4, 1);
  const warmUpRequests = options.count('warm-up', 20_000, 3000);
  const variants = [bare, bareAgain, floor, sensor, ...(options.is('peers') ? peers : [])];
  const found = await measureProcessRuns(variants, express, generations, async (apps) => {
    await warmUp(apps, warmUpRequests);
    return measureRounds(apps, blocks, async (app) => {
      const { tookMs } = await app.send(requests);
      await app.delivered();
      return (requests / tookMs) * 1000;
    });
  });
  const without = found[0]?.series ?? [];
  return {
    blocks,
    requests,
    generations,
    variants: found.map(({ name, void: reason, series }) => {
      const shares = series.map((values, processRun) =>
        values.map((value, round) => (value / (without[processRun]?.[round] ?? Number.NaN)) * 100),
      );
      return {
        name,
        void: reason,
        requestsPerSecond: quartiles(series.flat()),
        share: quartiles(shares.flat()),
        ofGenerations: meanOf(shares.map((values) => quartiles(values).median)),
      };
    }),
  };
}

export const throughputBenchmark: Benchmark = {
  name: 'throughput',
  title: 'Top throughput',
  async run(options): Promise<Report> {
    const result = await throughput(options);
    const { generations, blocks, requests, variants } = result;
    const own = variants.find(({ name }) => name === sensor.name);
    const text = [
      `Express 5, 32 connections; process runs: ${generations}; blocks of ${requests} requests for each: ${blocks}`,
      table(
        ['requests a second', ...quartilesHead],
        variants.map(({ name, requestsPerSecond }) => [name, ...quartilesCells(requestsPerSecond)]),
      ),
      table(
        ['% of bare', ...quartilesHead, 'process runs'],
        variants
          .slice(1)
          .map(({ name, share, ofGenerations }) => [name, ...quartilesCells(share), meanCell(ofGenerations)]),
      ),
    ].join('\n\n');
    return {
      result,
      text,
      measured: own === undefined ? [] : [{ budget: 'throughput', value: 100 - own.ofGenerations.mean, bare: null }],
      voids: voidsOf(variants),
    };
  },
};
