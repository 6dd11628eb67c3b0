// The 99th percentile of latency at half the top rate of the bare application. Requests are sent when they are due, whether or not
// earlier ones have had their responses.
import type { Benchmark, Report } from '../benchmark.js';
import { express } from '../cases.js';
import type { Options } from '../options.js';
import { measureProcessRuns, voidsOf } from '../process-runs.js';
import { measureRounds, warmUp } from '../rounds.js';
import type { RunningApp } from '../running-app.js';
import { differences, type Quartiles, quartiles, quartilesCells, quartilesHead, table } from '../statistics.js';
import { bare, bareAgain, floor, peers, sensor, type Variant } from '../variants.js';

/** The bare application with as much extra work as a tracer makes: how much of a difference is only a longer queue. */
const busier: Variant = { ...bare, name: 'bare, a sixth more requests' };

export interface LatencyResult {
  readonly seconds: number;
  readonly repeats: number;
  readonly generations: number;
  /** The rate of each process run. */
  readonly requestsPerSecond: readonly number[];
  /** The interquartile range of bare again against bare: the effect of chance alone. */
  readonly noiseMs: number;
  readonly variants: readonly {
    readonly name: string;
    readonly void: string | null;
    readonly medianMs: Quartiles;
    readonly p99Ms: Quartiles;
    /** Difference to the p99 of bare in the same round. */
    readonly difference: Quartiles;
  }[];
}

/** A shared core has fast and slow seconds, so the top rate is the median of blocks that take several seconds. */
async function halfOfTopRate(apps: readonly RunningApp[], requests: number, blocks: number): Promise<number> {
  const rates: number[] = [];
  for (let block = 0; block < blocks; block++)
    for (const app of apps) rates.push((requests / (await app.send(requests)).tookMs) * 1000);
  return Math.round(quartiles(rates).median / 2);
}

export async function latency(options: Options): Promise<LatencyResult> {
  const seconds = options.count('seconds', 4, 1);
  const repeats = options.count('runs', 10, 3);
  const generations = options.count('generations', 3, 1);
  const warmUpRequests = options.count('warm-up', 20_000, 3000);
  const topRateBlocks = options.count('blocks', 8, 2);
  const variants = [bare, bareAgain, busier, floor, sensor, ...(options.is('peers') ? peers : [])];
  const rates: number[] = [];
  const found = await measureProcessRuns(variants, express, generations, async (apps) => {
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
    medianMs: quartiles((all[index] ?? []).map(({ median }) => median)),
    p99Ms: quartiles(p99(all[index])),
    difference: quartiles(differences(p99(all[index]), p99(all[0]))),
  }));
  const noise = results.find(({ name }) => name === bareAgain.name)?.difference;
  const noiseMs = noise === undefined ? Number.NaN : noise.threeQuarters - noise.quarter;
  return { seconds, repeats, generations, requestsPerSecond: rates, noiseMs, variants: results };
}

/** With two decimals, since the values are fractions of a millisecond. */
function cells(of: Quartiles): string[] {
  return quartilesCells(of).map((value) => value.toFixed(2));
}

function textOf({ seconds, repeats, generations, requestsPerSecond, noiseMs, variants }: LatencyResult): string {
  return [
    `Express 5 at ${requestsPerSecond.join(', ')} requests a second, half the top rate of the bare application;\n` +
      `process runs: ${generations}; repeats of ${seconds} s for each: ${repeats}. Milliseconds from when a request was due.`,
    table(
      ['p99', ...quartilesHead, 'median of all'],
      variants.map(({ name, p99Ms, medianMs }) => [name, ...cells(p99Ms), medianMs.median.toFixed(2)]),
    ),
    table(
      ['p99, difference to bare', ...quartilesHead],
      variants.slice(1).map(({ name, difference }) => [name, ...cells(difference)]),
    ),
    `Interquartile range of bare against bare: ${noiseMs.toFixed(2)} ms; a smaller median difference is noise.`,
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
