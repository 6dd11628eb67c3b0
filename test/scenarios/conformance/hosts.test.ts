// Hosts that need a process of their own: two copies of Express, patches of others, and processes that die of a request.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { exchange, newTrace } from '../../support/exchange.js';
import { type HostExit, type Loader, repositoryRoot, runApp } from '../../support/run-app.js';
import { type SpanCollector, startTestAgent } from '../../support/span-collector.js';
import { type Case, step, type Target } from './case.js';
import { runCases, untracedOnly } from './run-cases.js';

const express: Omit<Target, 'name' | 'major' | 'file'> = { framework: 'express', router: null, loader: 'require' };

const twoCopies: readonly Case[] = [
  {
    id: 'E32',
    title: 'traces both copies of Express, and the one inside the other',
    // The outer app calls the inner one from a middleware, so Express knows of no mount between them: the inner route
    // is the last one entered, and the middleware that answered is mounted at `/outer`.
    steps: [
      step('/four/1', { to: 'four', tpl: '/four/:id' }),
      step('/five/1', { to: 'five', tpl: '/five/:id' }),
      step('/outer/inner/1', { to: 'mixed', tpl: ['/outer/inner/:id', '/inner/:id'] }),
    ],
  },
];

const rejected = { status: 500, error: 'Error: rejected', replyBody: 'handled rejected' } as const;
const asyncErrors: readonly Case[] = [
  {
    id: 'E18',
    title: 'records rejections that express-async-errors hands to Express 4',
    steps: [
      step('/reject/1', { tpl: '/reject/:id', ...rejected }),
      step('/now/1', { tpl: '/now/:id', ...rejected }),
      step('/r/reject/1', { tpl: '/r/reject/:id', ...rejected }),
      step('/fine/1', { tpl: '/fine/:id' }),
    ],
  },
];

runCases({ ...express, name: 'two copies of express', major: 5, file: 'two-express.cjs' }, twoCopies);
runCases(
  { ...express, name: 'express 4 with express-async-errors', major: 4, file: 'versions/express-4/async-errors.cjs' },
  asyncErrors,
);

describe('a sensor that comes after Express', () => {
  it('E32 says so in its status, and leaves the app alone', { skip: untracedOnly }, async () => {
    const agent = await startTestAgent();
    const host = await runApp({
      file: 'early-express.cjs',
      loader: 'none',
      agentPort: agent.port,
      env: {
        SENSOR_BY_CODE: join(repositoryRoot, 'build', 'src', 'bootstrap.js'),
        INSTANA_AGENT_HOST: '127.0.0.1',
        INSTANA_AGENT_PORT: String(agent.port),
      },
    });
    try {
      const to = { port: host.ports['E32'] ?? 0, secure: false };
      assert.equal((await exchange(to, { path: '/early/1' }, newTrace())).body, 'early');
      const { body } = await exchange(to, { path: '/status' }, newTrace());
      const modules = JSON.parse(body) as { name: string; state: string }[]; // asserted on below
      assert.equal(modules.find(({ name }) => name === 'express')?.state, 'loaded-too-early');
    } finally {
      await host.stop();
      await agent.close();
    }
  });
});

describe('a host that dies of a request', () => {
  it('H27 dies of a throwing handler as it does without the sensor, and its span is sent', async () => {
    const { untraced, traced, spans } = await dieTwice('/throw');
    assert.deepEqual(traced, untraced);
    if (untracedOnly) return;
    const entries = spans.filter(({ k }) => k === 1);
    assert.equal(entries.length, 1, 'entry spans');
    assert.match(entries[0]?.data.http?.error ?? '', /boom/);
  });

  it('dies of the error of a call without a listener as it does without the sensor', async () => {
    const { untraced, traced, spans } = await dieTwice('/call');
    assert.deepEqual(traced, untraced);
    if (untracedOnly) return;
    const exits = spans.filter(({ k }) => k === 2);
    assert.deepEqual(
      exits.map(({ data }) => data.http?.error),
      ['Error: connect ECONNREFUSED 127.0.0.1:9'],
    );
  });
});

interface Death {
  readonly exit: HostExit;
  readonly stderr: string;
}

async function dieTwice(path: string): Promise<{ untraced: Death; traced: Death; spans: readonly WireSpan[] }> {
  const agent = await startTestAgent();
  try {
    const untraced = (await die(path, 'none', agent)).death;
    if (untracedOnly) return { untraced, traced: untraced, spans: [] };
    const { death, t } = await die(path, 'require', agent);
    const own = (spans: readonly WireSpan[]): WireSpan[] => spans.filter((span) => span.t === t);
    const least = path === '/call' ? 2 : 1;
    await agent.waitForSpans((spans) => own(spans).length >= least, 1500);
    // What the dying process could not send itself, the next one does.
    if (own(agent.spans()).length < least) {
      const next = await runApp({ file: 'crash-app.cjs', loader: 'require', agentPort: agent.port });
      await agent.waitForSpans((spans) => own(spans).length >= least, 6000);
      await next.stop();
    }
    return { untraced, traced: death, spans: own(agent.spans()) };
  } finally {
    await agent.close();
  }
}

async function die(path: string, loader: Loader, agent: SpanCollector): Promise<{ death: Death; t: string }> {
  const host = await runApp({ file: 'crash-app.cjs', loader, agentPort: agent.port });
  if (loader !== 'none') assert.ok(await agent.waitForAnnounce(host.pid, 8000), host.stderr());
  const trace = newTrace();
  await exchange({ port: host.ports['crash'] ?? 0, secure: false }, { path }, trace);
  const exit = await host.exited;
  return { death: { exit, stderr: essence(host.stderr()) }, t: trace.t };
}

/** Stack frames differ where functions are wrapped, and the sensor may say a line of its own. */
function essence(stderr: string): string {
  const lines = stderr.split('\n');
  return lines.filter((line) => !/^\s+at |instana|^\s*\^|^.*:\d+$|^\s{4,}|^$/i.test(line)).join('\n');
}
