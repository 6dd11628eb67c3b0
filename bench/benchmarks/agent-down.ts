// What the sensor costs when nobody listens where the agent should: spans are made, kept up to the bound, and dropped.
import type { Benchmark, Report } from '../benchmark.js';
import { express } from '../cases.js';
import { figures, figuresCells, figuresHead, meanCell, table } from '../figures.js';
import { measureGenerations, voidsOf } from '../generations.js';
import type { Options } from '../options.js';
import { measureBlock, measureRounds, warmUp } from '../rounds.js';
import { summarize, type VariantSummary } from '../summary.js';
import { agentDown, bare, bareAgain, sensor } from '../variants.js';

export interface AgentDownResult {
  readonly blocks: number;
  readonly requests: number;
  readonly generations: number;
  readonly variants: readonly (VariantSummary & { readonly rssMiB: number })[];
}

export async function agentIsDown(options: Options): Promise<AgentDownResult> {
  const blocks = options.count('blocks', 20, 4);
  const requests = options.count('requests', 1500, 500);
  const generations = options.count('generations', 4, 1);
  const warmUpRequests = options.count('warm-up', 20_000, 3000);
  const rss: number[][] = [];
  const found = await measureGenerations([bare, bareAgain, sensor, agentDown], express, generations, async (apps) => {
    await warmUp(apps, warmUpRequests);
    const series = await measureRounds(apps, blocks, (app) => measureBlock(app, requests));
    rss.push(await Promise.all(apps.map(async (app) => (await app.memory()).rssBytes / 2 ** 20)));
    return series;
  });
  const variants = summarize(found).map((variant, index) => ({
    ...variant,
    rssMiB: figures(rss.map((values) => values[index] ?? Number.NaN)).median,
  }));
  return { blocks, requests, generations, variants };
}

export const agentDownBenchmark: Benchmark = {
  name: 'agent-down',
  title: 'Agent down',
  async run(options): Promise<Report> {
    const result = await agentIsDown(options);
    const { generations, blocks, requests, variants } = result;
    const rows = variants.map(({ name, process: { difference, ofGenerations }, rssMiB }) => [
      name,
      ...figuresCells(difference),
      meanCell(ofGenerations),
      rssMiB,
    ]);
    const text =
      `Express 5; generations: ${generations}; blocks of ${requests} requests for each: ${blocks}; every request was answered with 200\n\n` +
      table(['CPU µs per request, difference to bare', ...figuresHead, 'generations', 'RSS MiB'], rows);
    return { result, text, measured: [], voids: voidsOf(variants) };
  },
};
