// The instructions of a request, counted by valgrind. It is slow and leaves out the work of the kernel, but nothing else on the machine
// affects the figure: it shows a difference of one per cent where CPU time does not show ten.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Benchmark, Report } from '../benchmark.js';
import { requestCases } from '../cases.js';
import { LoadSetup } from '../load-setup.js';
import type { Options } from '../options.js';
import { reportProgress } from '../progress.js';
import { type AppCase, RunningApp } from '../running-app.js';
import { type Cell, type Mean, meanCell, meanOf, table } from '../statistics.js';
import { bare, contextOnly, floor, sensorWith, suppressed, type Variant } from '../variants.js';

export interface InstructionRow {
  readonly name: string;
  readonly void: string | null;
  /** Thousands of instructions per request. */
  readonly thousands: Mean;
  /** Compared with the bare application. */
  readonly percentMore: number;
}

export interface InstructionsResult {
  readonly blocks: number;
  readonly requests: number;
  readonly warmUp: number;
  readonly cases: readonly { readonly title: string; readonly rows: readonly InstructionRow[] }[];
}

type Run = Pick<InstructionsResult, 'blocks' | 'requests' | 'warmUp'>;

/** Under valgrind a second has few requests, so work that is done each second would count many times over. */
const quiet = { INSTANA_METRICS_ENABLED: 'false' };
const own = sensorWith('no metrics', quiet, true);
const ownSuppressed: Variant = { ...suppressed, env: own.env };
const withoutStacks = sensorWith('no stacks', { ...quiet, INSTANA_STACK_TRACE: 'error' }, true);
const isolateOptions = ['--single-threaded-gc'];

function variantsOf(name: string): Variant[] {
  return name.endsWith('-call')
    ? [bare, floor, own, withoutStacks]
    : [bare, contextOnly, floor, own, ...(name === 'express' ? [ownSuppressed] : [])];
}

/** An application under valgrind, with access to its counters. */
class CountedApp {
  readonly #app: RunningApp;
  readonly #folder: string;

  private constructor(app: RunningApp, folder: string) {
    this.#app = app;
    this.#folder = folder;
  }

  static async start(variant: Variant, appCase: AppCase, loadSetup: LoadSetup): Promise<CountedApp> {
    const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-instructions-'));
    const counted = { ...appCase, nodeArguments: isolateOptions };
    const launcher = [
      'valgrind',
      '--quiet',
      '--tool=callgrind',
      '--smc-check=all-non-file',
      '--instr-atstart=no',
      `--callgrind-out-file=${join(folder, 'counts')}`,
    ];
    return new CountedApp(await RunningApp.start(variant, counted, loadSetup, launcher), folder);
  }

  /** The values of each block, in thousands of instructions per request. */
  async measure({ blocks, requests, warmUp }: Run): Promise<number[]> {
    for (let sent = 0; sent < warmUp; sent += requests) await this.#block(requests);
    this.#control('--instr=on');
    await this.#block(requests);
    const counts: number[] = [];
    for (let block = 0; block < blocks; block++) {
      this.#control('--zero');
      await this.#block(requests);
      this.#control('--dump');
      counts.push(this.#readCount() / requests / 1000);
    }
    return counts;
  }

  get void(): string | null {
    return this.#app.void;
  }

  async stop(): Promise<void> {
    await this.#app.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #block(requests: number): Promise<void> {
    await this.#app.send(requests);
    await this.#app.delivered();
  }

  #control(argument: string): void {
    execFileSync('callgrind_control', [argument, String(this.#app.pid)], { stdio: 'ignore' });
  }

  /** Reads the latest dump. */
  #readCount(): number {
    const files = readdirSync(this.#folder).map((name) => join(this.#folder, name));
    const [latest = ''] = files.sort((left, right) => statSync(right).mtimeMs - statSync(left).mtimeMs);
    const match = /^totals: (\d+)/m.exec(readFileSync(latest, 'utf8'));
    if (match === null) throw new Error('valgrind wrote no count');
    return Number(match[1]);
  }
}

async function measureVariant(variant: Variant, appCase: AppCase, run: Run): Promise<[number[], string | null]> {
  const loadSetup = await LoadSetup.start();
  try {
    const app = await CountedApp.start(variant, appCase, loadSetup);
    try {
      const counts = await app.measure(run);
      return [counts, app.void];
    } finally {
      await app.stop();
    }
  } finally {
    await loadSetup.stop();
  }
}

async function measureCase(name: string, run: Run): Promise<InstructionsResult['cases'][number]> {
  const appCase = requestCases[name];
  if (appCase === undefined) throw new Error(`no such case: ${name}; there are ${Object.keys(requestCases).join()}`);
  const rows: InstructionRow[] = [];
  for (const variant of variantsOf(name)) {
    reportProgress(`  ${appCase.title}: ${variant.name}`);
    const [counts, reason] = await measureVariant(variant, appCase, run);
    const thousands = meanOf(counts);
    const without = rows[0]?.thousands.mean ?? thousands.mean;
    rows.push({ name: variant.name, void: reason, thousands, percentMore: (thousands.mean / without - 1) * 100 });
  }
  return { title: appCase.title, rows };
}

function textOf({ blocks, requests, warmUp, cases }: InstructionsResult): string {
  return [
    `Thousands of instructions per request, of all threads, without those of the system; ${blocks} blocks of ${requests} requests after\n` +
      `${warmUp} to warm up, one process each; the sensor without metrics, since a second has few requests under valgrind`,
    ...cases.map(({ title, rows }) =>
      table(
        [title, 'thousands', 'more than bare', '%'],
        rows.map((row): Cell[] => [
          row.name,
          meanCell(row.thousands),
          row.thousands.mean - (rows[0]?.thousands.mean ?? 0),
          row.percentMore,
        ]),
      ),
    ),
  ].join('\n\n');
}

export const instructionsBenchmark: Benchmark = {
  name: 'instructions',
  title: 'Instructions per request',
  isOnDemand: true,
  async run(options: Options): Promise<Report> {
    if (spawnSync('valgrind', ['--version']).status !== 0)
      throw new Error('valgrind is not installed: apt-get install valgrind');
    const run: Run = {
      blocks: options.count('blocks', 6, 1),
      requests: options.count('requests', 1000, 100),
      warmUp: options.count('warm-up', 20_000, 200),
    };
    const cases: InstructionsResult['cases'][number][] = [];
    for (const name of options.list('cases') ?? ['express', 'express-call', 'koa', 'http'])
      cases.push(await measureCase(name, run));
    const result: InstructionsResult = { ...run, cases };
    const voids = cases.flatMap(({ title, rows }) =>
      rows.flatMap((row) => (row.void === null ? [] : [`${title}, ${row.name}: ${row.void}`])),
    );
    return { result, text: textOf(result), measured: [], voids };
  },
};
