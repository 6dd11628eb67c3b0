// How long the slowest of 100 requests takes at half the rate that the bare application can serve; requests come when they are due,
// whether or not earlier ones have been answered.
import type { Benchmark, Report } from '../benchmark.js';
import { express } from '../cases.js';
import { differences, type Figures, figures, figuresCells, figuresHead, table } from '../figures.js';
import { measureGenerations, voidsOf } from '../generations.js';
import type { Options } from '../options.js';
import { measureRounds, warmUp } from '../rounds.js';
import type { RunningApp } from '../running-app.js';
import { bare, bareAgain, floor, peers, sensor, type Variant } from '../variants.js';

/** As much more work as a tracer makes, without one: what of a difference is only a longer queue. */
const busier: Variant = { ...bare, name: 'bare, a sixth more requests' };

export interface LatencyResult {
  readonly seconds: number;
  readonly repeats: number;
  readonly generations: number;
  /** Of each generation. */
  readonly requestsPerSecond: readonly number[];
  /** Interquartile range of bare again against bare: what chance alone does. */
  readonly noiseMs: number;
  readonly variants: readonly {
    readonly name: string;
    readonly void: string | null;
    readonly medianMs: Figures;
    readonly p99Ms: Figures;
    /** Of the p99 of the same round. */
    readonly difference: Figures;
  }[];
}

/** A core that is shared has fast seconds and slow ones: the top rate is the median of blocks that take several of them. */
async function halfOfTopRate(apps: readonly RunningApp[], requests: number, blocks: number): Promise<number> {
  const rates: number[] = [];
  for (let block = 0; block < blocks; block++)
    for (const app of apps) rates.push((requests / (await app.send(requests)).tookMs) * 1000);
  return Math.round(figures(rates).median / 2);
}

export async function latency(options: Options): Promise<LatencyResult> {
  const seconds = options.count('seconds', 4, 1);
  const repeats = options.count('runs', 10, 3);
  const generations = options.count('generations', 3, 1);
  const warmUpRequests = options.count('warm-up', 20_000, 3000);
  const topRateBlocks = options.count('blocks', 8, 2);
  const variants = [bare, bareAgain, busier, floor, sensor, ...(options.is('peers') ? peers : [])];
  const rates: number[] = [];
  const found = await measureGenerations(variants, express, generations, async (apps) => {
    await warmUp(apps, warmUpRequests);
    const withoutTracer = apps.filter(({ variant }) => variant === bare || variant === bareAgain);
    const rate = await halfOfTopRate(withoutTracer, Math.ceil(warmUpRequests / 5), topRateBlocks);
    rates.push(rate);
    return measureRounds(apps, repeats, async (app) => {
      const ownRate = app.variant === busier ? Math.round((rate * 7) / 6) : rate;
      const { latencyMs } = await app.send(ownRate * seconds, ownRate);
      await app.delivered();
      return latencyMs;
    });
  });
  const all = found.map(({ series }) => series.flat());
  const p99 = (values: readonly { p99: number }[] = []): number[] => values.map((value) => value.p99);
  const results = found.map(({ name, void: reason }, index) => ({
    name,
    void: reason,
    medianMs: figures((all[index] ?? []).map(({ median }) => median)),
    p99Ms: figures(p99(all[index])),
    difference: figures(differences(p99(all[index]), p99(all[0]))),
  }));
  const noise = results.find(({ name }) => name === bareAgain.name)?.difference;
  const noiseMs = noise === undefined ? Number.NaN : noise.threeQuarters - noise.quarter;
  return { seconds, repeats, generations, requestsPerSecond: rates, noiseMs, variants: results };
}

/** Two decimals, since these are fractions of a millisecond. */
function cells(of: Figures): string[] {
  return figuresCells(of).map((value) => value.toFixed(2));
}

function textOf({ seconds, repeats, generations, requestsPerSecond, noiseMs, variants }: LatencyResult): string {
  return [
    `Express 5 at ${requestsPerSecond.join(', ')} requests a second, half of what the bare application can;\n` +
      `generations: ${generations}; repeats of ${seconds} s for each: ${repeats}. Milliseconds from when a request was due.`,
    table(
      ['p99', ...figuresHead, 'median of all'],
      variants.map(({ name, p99Ms, medianMs }) => [name, ...cells(p99Ms), medianMs.median.toFixed(2)]),
    ),
    table(
      ['p99, difference to bare', ...figuresHead],
      variants.slice(1).map(({ name, difference }) => [name, ...cells(difference)]),
    ),
    `Interquartile range of bare against bare: ${noiseMs.toFixed(2)} ms; a smaller median difference than that is no difference.`,
  ].join('\n\n');
}

export const latencyBenchmark: Benchmark = {
  name: 'latency',
  title: 'p99 latency at half load',
  async run(options): Promise<Report> {
    const result = await latency(options);
    return { result, text: textOf(result), measured: [], voids: voidsOf(result.variants) };
  },
};
