// Ten requests at once through the queue of bluebird, in processes of their own: each call belongs to its own request.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { TestAgent } from '../../support/agent/test-agent.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { type Arrival, startDownstream } from '../../support/downstream.js';
import { exchange, newTrace, type TraceIds } from '../../support/exchange.js';
import { appsFolder, repositoryRoot, runApp } from '../../support/run-app.js';

const ids = Array.from({ length: 10 }, (_, index) => index);
const ways = ['next', 'map', 'coroutine', 'join', 'using', 'each', 'reduce', 'nodeify', 'finally', 'spread'];

interface Setting {
  readonly env: Readonly<Record<string, string>>;
  readonly loader?: 'require' | 'import';
}

interface Run {
  /** By request. */
  readonly traces: readonly TraceIds[];
  readonly arrivals: readonly Arrival[];
  readonly state: string | undefined;
}

/** Ten requests at once, for each way. */
async function run({ env, loader = 'require' }: Setting, paths: readonly string[]): Promise<Run[]> {
  const agent = await TestAgent.start({ record: true });
  const downstream = await startDownstream();
  const app = await runApp({
    file: 'bluebird-app.cjs',
    loader,
    agentPort: agent.port,
    downstreamUrl: downstream.url,
    env,
  });
  const port = { port: app.ports['app'] ?? 0, secure: false };
  try {
    await waitUntil(() => agent.requests('HEAD').length > 0, 'the sensor', 10_000);
    const { body } = await exchange(port, { path: '/status' }, null);
    const modules = JSON.parse(body) as { name: string; state: string }[]; // the app writes status().modules
    const runs: Run[] = [];
    for (const path of paths) {
      const before = downstream.arrivals.length;
      const traces = ids.map(() => newTrace());
      const replies = await Promise.all(traces.map((trace, id) => exchange(port, { path: `/${path}/${id}` }, trace)));
      assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]), path);
      const state = modules.find(({ name }) => name === 'bluebird')?.state;
      runs.push({ traces, arrivals: downstream.arrivals.slice(before), state });
    }
    return runs;
  } finally {
    await app.stop();
    await agent.close();
    await downstream.close();
  }
}

function traceId(headers: Arrival['headers']): string | undefined {
  return headers.find(([name]) => name.toLowerCase() === 'x-instana-t')?.[1];
}

/** The calls whose trace is not that of their request. */
function misplaced({ traces, arrivals }: Run): string[] {
  const calls = arrivals.filter(({ url }) => /^\/(first|second)\//.test(url));
  assert.ok(calls.length >= 20, `${calls.length} calls`);
  return calls
    .filter(({ url, headers }) => traceId(headers) !== traces[Number(url.split('/')[2])]?.t)
    .map(({ url }) => url);
}

for (const major of ['bluebird-2', 'bluebird-3']) {
  describe(`ten requests at once with ${major}`, () => {
    for (const [title, setting] of [
      ['the library', { env: {} }],
      ['a copy of it', { env: { COPY: '1' } }],
      ['the library under --import', { env: {}, loader: 'import' as const }],
      ['an import of it under --require', { env: { IMPORT: '1' } }],
      ['an import of it under --import', { env: { IMPORT: '1' }, loader: 'import' as const }],
      ['the library under the preset express', { env: { INSTANA_BOOTSTRAP: 'express' } }],
    ] as const) {
      it(`places every call below its own request, with ${title}`, async () => {
        const runs = await run({ ...setting, env: { BLUEBIRD: major, ...setting.env } }, ways);
        for (const [index, result] of runs.entries()) {
          assert.deepEqual(misplaced(result), [], ways[index]);
          assert.equal(result.state, 'patched');
        }
      });
    }

    it('gives the calls of a job outside any request no trace', async () => {
      const [result] = await run({ env: { BLUEBIRD: major, JOBS: '1' } }, ['next']);
      assert.ok(result);
      const jobs = result.arrivals.filter(({ url }) => url === '/job');
      assert.ok(jobs.length > 0);
      assert.deepEqual(
        jobs.filter(({ headers }) => traceId(headers) !== undefined),
        [],
      );
      assert.deepEqual(misplaced(result), []);
    });

    it('reports rejections and warnings, and runs callbacks in order, as without the sensor', () => {
      const outputs = ([[], ['-r', join(repositoryRoot, 'build/src/bootstrap.js')]] as const).map((preload) =>
        execFileSync(process.execPath, [...preload, join(appsFolder, 'bluebird-twin.cjs')], {
          encoding: 'utf8',
          env: { BLUEBIRD: major, BLUEBIRD_DEBUG: '1', INSTANA_AGENT_HOST: '127.0.0.1', INSTANA_AGENT_PORT: '1' },
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      );
      assert.match(outputs[0] ?? '', /unhandled lost/);
      assert.equal(outputs[1], outputs[0]);
    });

    it('is left alone with tracing.disable, and mixes requests up', async () => {
      const [result] = await run({ env: { BLUEBIRD: major, INSTANA_TRACING_DISABLE: 'bluebird' } }, ['next']);
      assert.ok(result);
      assert.equal(result.state, 'disabled');
      assert.ok(misplaced(result).length > 0);
    });
  });
}
