// What a preload costs a process that does nothing: the CPU of the whole process, and the loaded files. Needs bash for its `time`.
import { spawnSync } from 'node:child_process';
import type { Benchmark, Report } from '../benchmark.js';
import { repositoryRoot } from '../child-process.js';
import type { Options } from '../options.js';
import { rotate } from '../rounds.js';
import {
  type Cell,
  differences,
  type Quartiles,
  quartiles,
  quartilesCells,
  quartilesHead,
  table,
} from '../statistics.js';
import { bare, bareAgain, closedPort, floor, peers, sensor, sensorByImport, type Variant } from '../variants.js';

export interface StartUpVariant {
  readonly name: string;
  readonly cpuMs: Quartiles;
  /** Difference to bare in the same round. */
  readonly difference: Quartiles;
  /** Entries that the preload adds to `require.cache`. */
  readonly cacheEntries: number;
}

export interface StartUpResult {
  readonly runs: number;
  readonly variants: readonly StartUpVariant[];
}

const maxStartMs = 30_000;

function environment(variant: Variant): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], ...variant.env(closedPort) };
}

/** User and system CPU of a whole process, in milliseconds. */
function cpuMs(variant: Variant): number {
  const script = `TIMEFORMAT='%3U %3S'; time "$0" "$@"`;
  const args = ['-c', script, process.execPath, ...variant.preload, '-e', '0'];
  const options = { encoding: 'utf8', cwd: repositoryRoot, env: environment(variant), timeout: maxStartMs } as const;
  const { stderr, status } = spawnSync('bash', args, options);
  const match = /(\d+\.\d+) (\d+\.\d+)\s*$/.exec(stderr);
  if (status !== 0 || match === null) throw new Error(`a start of ${variant.name} failed: ${stderr}`);
  return (Number(match[1]) + Number(match[2])) * 1000;
}

function cacheEntries(variant: Variant): number {
  const args = [...variant.preload, '-p', 'Object.keys(require.cache).length'];
  const options = { encoding: 'utf8', cwd: repositoryRoot, env: environment(variant), timeout: maxStartMs } as const;
  return Number(spawnSync(process.execPath, args, options).stdout.trim().split('\n').at(-1));
}

export function startUp(options: Options): StartUpResult {
  const runs = options.count('runs', 25, 15);
  const usual = options.is('check') ? [bare, sensor, sensorByImport] : [bare, bareAgain, floor, sensor, sensorByImport];
  const variants = [...usual, ...(options.is('peers') ? peers : [])];
  for (const variant of variants) cpuMs(variant); // the system caches the files
  const series: Map<Variant, number[]> = new Map(variants.map((variant) => [variant, []]));
  for (let run = 0; run < runs; run++) {
    for (const variant of rotate(variants, run)) series.get(variant)?.push(cpuMs(variant));
  }
  const without = series.get(bare) ?? [];
  const ownEntries = cacheEntries(bare);
  return {
    runs,
    variants: variants.map((variant) => {
      const own = series.get(variant) ?? [];
      return {
        name: variant.name,
        cpuMs: quartiles(own),
        difference: quartiles(differences(own, without)),
        cacheEntries: cacheEntries(variant) - ownEntries,
      };
    }),
  };
}

function textOf({ runs, variants }: StartUpResult): string {
  const absolute = variants.map(({ name, cpuMs: cpu }): Cell[] => [name, ...quartilesCells(cpu)]);
  const against = variants
    .slice(1)
    .map(({ name, difference, cacheEntries: files }): Cell[] => [name, ...quartilesCells(difference), String(files)]);
  return [
    `node -e 0, ${runs} runs each in turn; CPU ms, user and system; nothing listens on the agent's port`,
    table(['absolute', ...quartilesHead], absolute),
    table(['difference to bare', ...quartilesHead, 'files'], against),
  ].join('\n\n');
}

export const startUpBenchmark: Benchmark = {
  name: 'start-up',
  title: 'Start-up',
  async run(options): Promise<Report> {
    const result = startUp(options);
    const without = result.variants[0]?.cpuMs.median ?? null;
    const budgets: Readonly<Record<string, string>> = {
      [sensor.name]: 'start-up -r',
      [sensorByImport.name]: 'start-up --import',
    };
    const measured = result.variants.flatMap(({ name, difference }) => {
      const budget = budgets[name];
      return budget === undefined ? [] : [{ budget, value: difference.median, bare: without }];
    });
    return { result, text: textOf(result), measured, voids: [] };
  },
};
