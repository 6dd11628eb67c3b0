// How a process ends with and without the sensor: the same code or signal, the same last words, and not noticeably later.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { waitUntil } from '../../support/agent/wait-until.js';
import { agents, type TwinAgent } from './agents.js';
import { AppProcess, closedPort } from './app-process.js';

interface Way {
  readonly name: string;
  /** The request that makes the application end; none when a signal alone does. */
  readonly path: string | null;
  readonly signal?: NodeJS.Signals;
  /** Our frames stand in the stack of an error that is thrown below a wrapped function. */
  readonly belowUs?: boolean;
}

const ways: readonly Way[] = [
  { name: 'by itself, when its server is closed', path: '/close' },
  { name: 'by itself, with an exit code that it has set', path: '/closeWithCode' },
  { name: 'by process.exit after a response', path: '/exit' },
  { name: 'by process.exit in the middle of a request', path: '/exitAtOnce' },
  { name: 'by an error that is thrown in a handler', path: '/throw', belowUs: true },
  { name: 'by a promise of a handler that is rejected', path: '/reject', belowUs: true },
  { name: 'by an error that is thrown in a timer', path: '/crashLater' },
  { name: 'by null that is thrown in a timer', path: '/crashWithNull' },
  { name: 'by a rejection that nobody handles', path: '/rejectLater' },
  { name: 'by an outgoing call that fails without a listener', path: '/outWithoutListener', belowUs: true },
  { name: 'by SIGTERM', path: null, signal: 'SIGTERM' },
  { name: 'by SIGINT', path: null, signal: 'SIGINT' },
  { name: 'by SIGHUP', path: null, signal: 'SIGHUP' },
  { name: 'by its own handler of SIGTERM', path: '/ownSignalHandler', signal: 'SIGTERM' },
];

/**
 * What the sensor may add to the time that a process takes to end: 150 ms when the agent first has to be found, and three times as much in
 * tests. With an agent that hangs it would be 300 ms.
 */
const allowedMs = 500;

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

function ask(port: number, path: string): Promise<void> {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume();
      response.on('close', resolve);
    });
    request.setTimeout(5000, () => request.destroy());
    request.on('error', () => resolve());
  });
}

async function end(way: Way, traced: boolean, twinAgent: TwinAgent | null, env: Record<string, string>): Promise<End> {
  const { path, signal, belowUs = false } = way;
  const app = await AppProcess.start({ file: 'twin/app.cjs', traced, agentPort: twinAgent?.port ?? 1, env });
  if (twinAgent !== null) await settled(twinAgent);
  // Spans that wait are what could hold the end.
  for (let count = 0; count < 20; count++) await ask(app.port, '/hello');
  const startMs = performance.now();
  if (path !== null) await ask(app.port, path);
  if (signal !== undefined) app.child.kill(signal);
  const { code, signal: killedBy, atMs } = await app.exited;
  const stderr = belowUs ? app.hostStderr.replaceAll(/^ +at .*\n/gm, '') : app.hostStderr;
  return {
    code,
    signal: killedBy,
    stdout: app.stdout,
    stderr: stderr.replaceAll(/:\d{5}\b/g, ':PORT'),
    tookMs: atMs - startMs,
  };
}

/** Until the sensor has come as far as this agent lets it. */
async function settled({ agent, takesAnnounces }: TwinAgent): Promise<void> {
  if (agent === null) return;
  const last = takesAnnounces ? 'HEAD' : 'GET';
  await waitUntil(() => agent.requests(last).length > 0, takesAnnounces ? 'the readiness check' : 'the look-up', 5000);
  agent.clear();
}

describe('a process ends as without the sensor', () => {
  const bare = new Map<string, End>();
  let env: Record<string, string>;

  before(async () => {
    env = { CLOSED_URL: `http://127.0.0.1:${await closedPort()}` };
    for (const way of ways) bare.set(way.name, await end(way, false, null, env));
  });

  for (const [state, startAgent] of Object.entries(agents)) {
    describe(`with an agent that is ${state}:`, () => {
      let twinAgent: TwinAgent;
      before(async () => {
        twinAgent = await startAgent();
      });
      after(() => twinAgent.close());

      for (const way of ways) {
        it(way.name, async () => {
          const { tookMs: bareMs, ...expected } = bare.get(way.name) ?? assert.fail();
          const { tookMs, ...seen } = await end(way, true, twinAgent, env);
          assert.deepEqual(seen, expected);
          assert.ok(tookMs <= bareMs + allowedMs, `${Math.round(tookMs)} ms instead of ${Math.round(bareMs)} ms`);
        });
      }
    });
  }
});
