// What the preload costs a process that does nothing: `node build/bench/start-up.js [--runs N] [--json]`. Needs bash for its `time`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './child.js';
import { type Figures, figures, option, table } from './figures.js';

/** User and system CPU of a whole process, in milliseconds. */
function cpuMs(args: readonly string[]): number {
  const script = `TIMEFORMAT='%3U %3S'; time "$0" "$@"`;
  const { stderr, status } = spawnSync('bash', ['-c', script, process.execPath, ...args], {
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      INSTANA_AGENT_HOST: '127.0.0.1',
      INSTANA_AGENT_PORT: '9',
      INSTANA_LOG_LEVEL: 'off',
    },
  });
  const match = /(\d+\.\d+) (\d+\.\d+)\s*$/.exec(stderr);
  if (status !== 0 || match === null) throw new Error(`a run failed: ${stderr}`);
  return (Number(match[1]) + Number(match[2])) * 1000;
}

function main(): void {
  const runs = option('runs', 25);
  const bareArgs = ['-e', '0'];
  const tracedArgs = ['-r', join(root, 'build/src/bootstrap.js'), '-e', '0'];
  for (const args of [bareArgs, tracedArgs]) cpuMs(args);
  const bare: number[] = [];
  const traced: number[] = [];
  for (let run = 0; run < runs; run++) {
    const order: readonly (readonly [readonly string[], number[]])[] = [
      [bareArgs, bare],
      [tracedArgs, traced],
    ];
    for (const [args, series] of run % 2 === 0 ? order : [...order].reverse()) series.push(cpuMs(args));
  }
  const rows: Record<string, Figures> = {
    'node -e 0': figures(bare),
    'node -r bootstrap -e 0': figures(traced),
    difference: figures(traced.map((value, index) => value - (bare[index] ?? Number.NaN))),
  };
  if (process.argv.includes('--json'))
    process.stdout.write(`${JSON.stringify({ node: process.version, runs, cpuMs: rows })}\n`);
  else
    process.stdout.write(
      `Node.js ${process.version}, ${runs} runs each\n\n${table('CPU ms, user and system', rows)}\n`,
    );
}

main();
