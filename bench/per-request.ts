// What the sensor costs a request of an Express application, in CPU time: `npm run bench -- [--blocks N] [--requests N] [--json]`.
//
// Two applications live at the same time, one with the sensor, and get the same load in turn, in short blocks, so that whatever
// else the machine does hits both alike; figures are the differences of neighbouring blocks. CPU is what the system has counted for
// the whole process, and for its main thread, from before the block until its spans have been delivered: the cost of sending is in it.
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { Child, root } from './child.js';
import { type Figures, figures, option, table } from './figures.js';

interface Cpu {
  readonly processMicros: number;
  readonly mainMicros: number | null;
}

interface App {
  readonly child: Child;
  readonly port: number;
  readonly process: number[];
  readonly main: number[];
}

const warmUpRequests = 20_000;
const path = '/hello/joe?page=1';

async function startApp(agentPort: number | null): Promise<App> {
  const child = new Child(join(root, 'test/apps/twin/load.cjs'), {
    env:
      agentPort === null
        ? {}
        : {
            TRACED: '1',
            INSTANA_AGENT_HOST: '127.0.0.1',
            INSTANA_AGENT_PORT: String(agentPort),
            INSTANA_LOG_LEVEL: 'off',
          },
    execArgv: agentPort === null ? [] : ['-r', join(root, 'build/src/bootstrap.js')],
  });
  return { child, port: await child.port(), process: [], main: [] };
}

/** CPU microseconds per request of one block. */
async function block(app: App, load: Child, requests: number): Promise<{ process: number; main: number }> {
  const before = await app.child.ask<Cpu>('cpu');
  const result = await load.ask<{ answered: number; wrong: number }>({ port: app.port, path, requests });
  if (result.answered !== requests || result.wrong !== 0) throw new Error(`the load broke: ${JSON.stringify(result)}`);
  await app.child.ask('flush');
  const after = await app.child.ask<Cpu>('cpu');
  return {
    process: (after.processMicros - before.processMicros) / requests,
    main: ((after.mainMicros ?? Number.NaN) - (before.mainMicros ?? Number.NaN)) / requests,
  };
}

async function received(agent: Child, wanted: number): Promise<number> {
  let count = 0;
  for (let attempt = 0; attempt < 50; attempt++) {
    count = (await agent.ask<{ received: number }>('count')).received;
    if (count >= wanted) return count;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return count;
}

async function main(): Promise<void> {
  const blocks = option('blocks', 40);
  const requests = option('requests', 1500);
  const agent = new Child(join(__dirname, 'agent-process.js'));
  const load = new Child(join(__dirname, 'load-process.js'));
  const children = [agent, load];
  try {
    const agentPort = await agent.port();
    const [bare, traced] = [await startApp(null), await startApp(agentPort)];
    children.push(bare.child, traced.child);
    let sent = 0;
    for (const app of [bare, traced]) {
      for (let round = 0; round < 5; round++) await block(app, load, warmUpRequests / 5);
    }
    sent += warmUpRequests;
    for (let round = 0; round < blocks; round++) {
      for (const app of round % 2 === 0 ? [bare, traced] : [traced, bare]) {
        const cost = await block(app, load, requests);
        app.process.push(cost.process);
        app.main.push(cost.main);
      }
      sent += requests;
    }
    const arrived = await received(agent, sent);
    if (arrived !== sent) throw new Error(`void: ${sent} requests, but ${arrived} spans at the agent`);
    report(bare, traced, { blocks, requests, sent });
  } finally {
    for (const child of children) child.stop();
  }
}

function difference(left: readonly number[], right: readonly number[]): number[] {
  return left.map((value, index) => value - (right[index] ?? Number.NaN));
}

function report(bare: App, traced: App, run: { blocks: number; requests: number; sent: number }): void {
  const rows: Record<string, Figures> = {
    'process, without': figures(bare.process),
    'process, with': figures(traced.process),
    'process, difference': figures(difference(traced.process, bare.process)),
    'main thread, without': figures(bare.main),
    'main thread, with': figures(traced.main),
    'main thread, difference': figures(difference(traced.main, bare.main)),
  };
  const machine = {
    node: process.version,
    cpus: cpus().length,
    model: cpus()[0]?.model ?? '',
    loadAverage: loadavg()[0],
  };
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ machine, run, microsecondsPerRequest: rows })}\n`);
    return;
  }
  process.stdout.write(
    `Express 5, one route with a parameter; Node.js ${machine.node}, ${machine.cpus} × ${machine.model}, load ${machine.loadAverage?.toFixed(1)}\n` +
      `${run.blocks} blocks of ${run.requests} requests each; all ${run.sent} spans arrived\n\n` +
      `${table('CPU µs per request', rows)}\n`,
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
