// What the sensor costs without an agent: spans are made, kept up to the limit of the queue, and dropped.
import type { Benchmark, Report } from '../benchmark.js';
import { express } from '../cases.js';
import type { Options } from '../options.js';
import { measureProcessRuns, voidsOf } from '../process-runs.js';
import { measureBlock, measureRounds, warmUp } from '../rounds.js';
import { meanCell, quartiles, quartilesCells, quartilesHead, table } from '../statistics.js';
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
  const found = await measureProcessRuns([bare, bareAgain, sensor, agentDown], express, generations, async (apps) => {
    await warmUp(apps, warmUpRequests);
    const series = await measureRounds(apps, blocks, (app) => measureBlock(app, requests));
    rss.push(await Promise.all(apps.map(async (app) => (await app.memory()).rssBytes / 2 ** 20)));
    return series;
  });
  const variants = summarize(found).map((variant, index) => ({
    ...variant,
    rssMiB: quartiles(rss.map((values) => values[index] ?? Number.NaN)).median,
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
      ...quartilesCells(difference),
      meanCell(ofGenerations),
      rssMiB,
    ]);
    const text =
      `Express 5; process runs: ${generations}; blocks of ${requests} requests for each: ${blocks}; every response was 200\n\n` +
      table(['CPU µs per request, difference to bare', ...quartilesHead, 'process runs', 'RSS MiB'], rows);
    return { result, text, measured: [], voids: voidsOf(variants) };
  },
};
