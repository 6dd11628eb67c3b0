// The official sensor with our local agent in the place of the host agent.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TraceSummary } from '../../../src/devtools/store/traces.js';
import { TestAgent } from '../../support/agent/test-agent.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { sendLoad } from '../load/client.js';
import { AppProcess, root } from './app-process.js';

const peer = join(root, 'test/peers/instana-collector');
const isInstalled = existsSync(join(peer, 'node_modules/@instana/collector/package.json'));
const skip = isInstalled
  ? false
  : 'the official sensor is not installed: npm ci --ignore-scripts --prefix test/peers/instana-collector';

it('the official sensor finds the local agent, and its traces show there', { skip }, async () => {
  const agent = await TestAgent.start({ record: true });
  const app = await AppProcess.start({
    file: 'twin/collector.cjs',
    traced: false,
    agentPort: agent.port,
    env: { COLLECTOR_FROM: join(peer, 'package.json'), INSTANA_SERVICE_NAME: 'official' },
  });
  try {
    await waitUntil(() => agent.requests('HEAD').length > 0, 'the readiness check', 30_000);
    // It makes no spans before it is ready, so some requests go first.
    const isShop = ({ name }: TraceSummary): boolean => name === 'GET /shop/:item';
    const list = async (): Promise<TraceSummary[]> =>
      (await (await fetch(`${agent.url}/api/traces?service=official`)).json()) as TraceSummary[]; // the agent's own answer
    const found = await waitUntil(
      async () => {
        await sendLoad(app.port, '/shop/book?page=1', 1);
        return (await list()).find((trace) => isShop(trace) && trace.spanCount >= 3);
      },
      () => `no whole trace of the shop; ${app.stderr}`,
      30_000,
    );
    assert.equal(found.service, 'official');
    assert.deepEqual(found.processes, [app.pid]);

    const spans = agent.spans().filter(({ t }) => t === found.traceId);
    const shop = spans.find(({ data }) => data.http?.path_tpl === '/shop/:item');
    const call = spans.find(({ n }) => n === 'node.http.client');
    const stock = spans.find(({ data }) => data.http?.path_tpl === '/stock/:item');
    assert.deepEqual([shop?.n, shop?.k, shop?.data.http?.params], ['node.http.server', 1, 'page=1']);
    assert.deepEqual([call?.p, call?.data.http?.params], [shop?.s, 'key=<redacted>']);
    assert.equal(stock?.p, call?.s);

    const answer = await fetch(`${agent.url}/api/traces/${found.traceId}`);
    const { spans: shown } = (await answer.json()) as { spans: unknown[] }; // as above
    assert.equal(shown.length, spans.length);
    const processes = (await (await fetch(`${agent.url}/api/processes`)).json()) as { pid: number }[]; // as above
    assert.deepEqual(
      processes.map(({ pid }) => pid),
      [app.pid],
    );
  } finally {
    await app.stop();
    await agent.close();
  }
});
