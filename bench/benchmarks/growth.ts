// How the cost of a request grows with the rate of requests, with the manual spans of each, and with the routes of the application.
import type { Benchmark, Report } from '../benchmark.js';
import { express } from '../cases.js';
import type { Options } from '../options.js';
import { measureProcessRuns } from '../process-runs.js';
import { measureBlock, measureRounds, warmUp } from '../rounds.js';
import type { AppCase } from '../running-app.js';
import { meanCell, quartiles, quartilesCells, quartilesHead, table } from '../statistics.js';
import { type Compared, summarize } from '../summary.js';
import { bare, sensor } from '../variants.js';

interface Step {
  readonly appCase: AppCase;
  /** Null for as fast as the application responds. */
  readonly rate: number | null;
  readonly requests: number;
}

export interface GrowthRow {
  readonly title: string;
  readonly void: string | null;
  /** The rate that the machine has reached with the sensor. */
  readonly requestsPerSecond: number;
  readonly bareMicros: number;
  readonly process: Compared;
}

export interface GrowthResult {
  readonly blocks: number;
  readonly generations: number;
  readonly unit: 'CPU µs per request, difference to bare';
  readonly rows: readonly GrowthRow[];
}

/** The sensor can send as many, so the benchmark measures the cost of making spans, not of dropping them. */
const maxSpansPerSecond = 10_000;

function steps(options: Options): Step[] {
  const isShort = options.is('short');
  const requests = options.count('requests', 1000, 200);
  const atRate = (rate: number): Step => ({
    appCase: { ...express, title: `${rate} requests a second` },
    rate,
    requests: Math.ceil(rate * (isShort ? 0.5 : 2)),
  });
  const withChildren = (children: number): Step => {
    const appCase = {
      title: `${children} manual ${children === 1 ? 'span' : 'spans'}`,
      file: 'manual.cjs',
      path: `/children/${children}`,
      calls: false,
      children,
    };
    return { appCase, rate: Math.ceil(maxSpansPerSecond / (children + 1)), requests };
  };
  const withRoutes = (routes: number): Step => {
    const appCase = { ...express, title: `${routes} routes`, env: { ROUTES: String(routes) } };
    return { appCase, rate: null, requests };
  };
  return [
    ...(isShort ? [100, 1000] : [100, 1000, 10_000]).map(atRate),
    ...(isShort ? [1, 16] : [1, 4, 16, 64]).map(withChildren),
    ...(isShort ? [10, 100] : [10, 100, 1000]).map(withRoutes),
  ];
}

async function measureStep({ appCase, rate, requests }: Step, options: Options): Promise<GrowthRow> {
  const blocks = options.count('blocks', 8, 2);
  const generations = options.count('generations', 2, 1);
  const warmUpRequests = options.count('warm-up', 5000, 500);
  const series = await measureProcessRuns([bare, sensor], appCase, generations, async (apps) => {
    // Only requests with many spans need the rate in the warm-up; for the others it would only take longer.
    await warmUp(apps, warmUpRequests, appCase.children === undefined ? null : rate);
    return measureRounds(apps, blocks, (app) => measureBlock(app, requests, rate));
  });
  const [without, own] = summarize(series);
  const reached = (series[1]?.series ?? []).flat().map(({ requestsPerSecond }) => requestsPerSecond);
  if (without === undefined || own === undefined) throw new Error('there is no application');
  return {
    title: appCase.title,
    void: own.void,
    requestsPerSecond: quartiles(reached).median,
    bareMicros: without.process.absolute.median,
    process: own.process,
  };
}

export async function growth(options: Options): Promise<GrowthResult> {
  const rows: GrowthRow[] = [];
  for (const step of steps(options)) rows.push(await measureStep(step, options));
  return {
    blocks: options.count('blocks', 8, 2),
    generations: options.count('generations', 2, 1),
    unit: 'CPU µs per request, difference to bare',
    rows,
  };
}

export const growthBenchmark: Benchmark = {
  name: 'growth',
  title: 'Growth',
  async run(options): Promise<Report> {
    const result = await growth(options);
    const rows = result.rows.map(({ title, requestsPerSecond, bareMicros, process }) => [
      title,
      String(Math.round(requestsPerSecond)),
      bareMicros,
      ...quartilesCells(process.difference),
      meanCell(process.ofGenerations),
    ]);
    const text =
      `Process runs: ${result.generations}; blocks in each: ${result.blocks}; \`reached\` is the measured number of requests a second\n\n` +
      table([result.unit, 'reached', 'bare', ...quartilesHead, 'process runs'], rows);
    const voids = result.rows.flatMap(({ title, void: reason }) => (reason === null ? [] : [`${title}: ${reason}`]));
    return { result, text, measured: [], voids };
  },
};
