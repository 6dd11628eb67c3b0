// The CPU time of a request with each variant. Each start of a process has a bias of some microseconds, so all variants are started
// several times.
import type { Benchmark, Measured, Report } from '../benchmark.js';
import { requestCases } from '../cases.js';
import type { Options } from '../options.js';
import { measureProcessRuns } from '../process-runs.js';
import { measureBlock, measureRounds, warmUp } from '../rounds.js';
import { type Cell, meanCell, quartilesCells, quartilesHead, table } from '../statistics.js';
import { type Compared, summarize, type VariantSummary } from '../summary.js';
import { bare, bareAgain, floor, peers, runtimeOnly, sensor, suppressed, type Variant } from '../variants.js';

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly variants: readonly VariantSummary[];
}

export interface PerRequestResult {
  readonly blocks: number;
  readonly requests: number;
  readonly generations: number;
  readonly warmUp: number;
  readonly unit: 'CPU µs per request';
  readonly cases: readonly CaseResult[];
}

type Run = Pick<PerRequestResult, 'blocks' | 'requests' | 'generations' | 'warmUp'>;

function readRun(options: Options): Run {
  return {
    blocks: options.count('blocks', 30, 12),
    requests: options.count('requests', 1500, 500),
    generations: options.count('generations', 4, options.is('check') ? 3 : 1),
    warmUp: options.count('warm-up', 20_000, 3000),
  };
}

/** `--check` measures the sensor alone, to stay short. */
function variantsOf(name: string, options: Options): Variant[] {
  if (options.is('check')) return [bare, bareAgain, sensor];
  const further = name.startsWith('express') ? [suppressed, runtimeOnly] : [];
  const variants = [bare, bareAgain, floor, sensor, ...further, ...(options.is('peers') ? peers : [])];
  const wanted = options.list('variants');
  return wanted === null ? variants : variants.filter((variant) => variant === bare || wanted.includes(variant.name));
}

export function perRequest(options: Options): Promise<PerRequestResult> {
  const names = options.list('cases') ?? (options.is('check') ? ['express'] : Object.keys(requestCases));
  return compareVariants(options, names, (name) => variantsOf(name, options));
}

/** Measures each case with its variants; the others are compared with the first. */
export async function compareVariants(
  options: Options,
  names: readonly string[],
  variantsFor: (name: string) => readonly Variant[],
): Promise<PerRequestResult> {
  const run = readRun(options);
  const cases: CaseResult[] = [];
  for (const name of names) {
    const appCase = requestCases[name];
    if (appCase === undefined) throw new Error(`no such case: ${name}; there are ${Object.keys(requestCases).join()}`);
    const series = await measureProcessRuns(variantsFor(name), appCase, run.generations, async (apps) => {
      await warmUp(apps, run.warmUp);
      return measureRounds(apps, run.blocks, (app) => measureBlock(app, run.requests));
    });
    const variants = summarize(series);
    cases.push({ name, title: appCase.title, variants });
  }
  return { ...run, unit: 'CPU µs per request', cases };
}

function compareCells(compared: Compared): Cell[] {
  return [...quartilesCells(compared.difference), meanCell(compared.ofGenerations)];
}

function caseText({ title, variants }: CaseResult): string {
  const counted = variants.filter((variant) => variant.void === null);
  const absolute = counted.map(({ name, process }) => [name, ...quartilesCells(process.absolute)]);
  const against = counted
    .slice(1)
    .flatMap(({ name, process, mainThread, floors }) => [
      [name, ...compareCells(process), floors === null ? null : `${floors.toFixed(2)} ×`],
      ...(mainThread === null ? [] : [['  main thread', ...compareCells(mainThread), '']]),
    ]);
  return [
    `${title}, CPU µs per request`,
    table(['absolute', ...quartilesHead], absolute),
    table(['difference to bare', ...quartilesHead, 'process runs', 'of floor'], against),
  ].join('\n\n');
}

export function textOf(result: PerRequestResult): string {
  const isTrial = result.blocks < 12 || result.generations < 4;
  return [
    `Process runs: ${result.generations}; in each ${result.blocks} blocks of ${result.requests} requests for every variant,\n` +
      `after ${result.warmUp} requests to warm up; 32 connections. The receiver counted every span, unless it says VOID.`,
    ...(isTrial ? ['A trial: with fewer than 4 process runs or 12 blocks the figures are unreliable.'] : []),
    ...result.cases.map(caseText),
  ].join('\n\n');
}

function measuredOf({ cases }: PerRequestResult, withQuartiles: boolean): Measured[] {
  return cases.flatMap(({ name, variants }) => {
    const own = variants.find((variant) => variant.name === sensor.name);
    const without = variants[0];
    if (own === undefined || without === undefined || own.void !== null) return [];
    const bareMicros = without.process.absolute.median;
    return [
      { budget: name, value: own.process.ofGenerations.mean, bare: bareMicros },
      ...(withQuartiles && name === 'express' ? quietOnes(variants, bareMicros) : []),
    ];
  });
}

/** Variants that should cost nothing: their budget is for the upper quartile, which needs many blocks. */
function quietOnes(variants: readonly VariantSummary[], bareMicros: number): Measured[] {
  const budgetOf: Readonly<Record<string, string>> = { [suppressed.name]: 'suppressed', [runtimeOnly.name]: 'runtime' };
  return variants.flatMap(({ name, process }) => {
    const budget = budgetOf[name];
    return budget === undefined ? [] : [{ budget, value: process.difference.threeQuarters, bare: bareMicros }];
  });
}

export const perRequestBenchmark: Benchmark = {
  name: 'per-request',
  title: 'CPU per request',
  async run(options): Promise<Report> {
    const result = await perRequest(options);
    return { result, text: textOf(result), measured: measuredOf(result, !options.is('check')), voids: voidsIn(result) };
  },
};

/** A line for each void variant. */
export function voidsIn({ cases }: PerRequestResult): string[] {
  return cases.flatMap(({ title, variants }) =>
    variants.flatMap((variant) => (variant.void === null ? [] : [`${title}, ${variant.name}: ${variant.void}`])),
  );
}
