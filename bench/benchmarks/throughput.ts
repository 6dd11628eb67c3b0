// How many requests a second an application serves at most, as a share of what the bare one serves in the same round.
import type { Benchmark, Report } from '../benchmark.js';
import { express } from '../cases.js';
import { type Figures, figures, figuresCells, figuresHead, type Mean, meanCell, meanOf, table } from '../figures.js';
import { measureGenerations, voidsOf } from '../generations.js';
import type { Options } from '../options.js';
import { measureRounds, warmUp } from '../rounds.js';
import { bare, bareAgain, floor, peers, sensor } from '../variants.js';

export interface ThroughputResult {
  readonly blocks: number;
  readonly requests: number;
  readonly generations: number;
  readonly variants: readonly {
    readonly name: string;
    readonly void: string | null;
    readonly requestsPerSecond: Figures;
    /** Of bare, in per cent. */
    readonly share: Figures;
    readonly ofGenerations: Mean;
  }[];
}

export async function throughput(options: Options): Promise<ThroughputResult> {
  const blocks = options.count('blocks', 16, 4);
  const requests = options.count('requests', 4000, 500);
  const generations = options.count('generations', 4, 1);
  const warmUpRequests = options.count('warm-up', 20_000, 3000);
  const variants = [bare, bareAgain, floor, sensor, ...(options.is('peers') ? peers : [])];
  const found = await measureGenerations(variants, express, generations, async (apps) => {
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
      const shares = series.map((values, generation) =>
        values.map((value, round) => (value / (without[generation]?.[round] ?? Number.NaN)) * 100),
      );
      return {
        name,
        void: reason,
        requestsPerSecond: figures(series.flat()),
        share: figures(shares.flat()),
        ofGenerations: meanOf(shares.map((values) => figures(values).median)),
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
      `Express 5, 32 connections; generations: ${generations}; blocks of ${requests} requests for each: ${blocks}`,
      table(
        ['requests a second', ...figuresHead],
        variants.map(({ name, requestsPerSecond }) => [name, ...figuresCells(requestsPerSecond)]),
      ),
      table(
        ['% of bare', ...figuresHead, 'generations'],
        variants
          .slice(1)
          .map(({ name, share, ofGenerations }) => [name, ...figuresCells(share), meanCell(ofGenerations)]),
      ),
    ].join('\n\n');
    return {
      result,
      text,
      measured: own === undefined ? [] : [{ goal: 'throughput', value: 100 - own.ofGenerations.mean, bare: null }],
      voids: voidsOf(variants),
    };
  },
};
