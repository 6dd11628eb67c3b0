// An application that changes what all objects have, before the sensor speaks to the agent.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestAgent } from '../../support/agent/test-agent.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { exchange, newTrace } from '../../support/exchange.js';
import { runApp } from '../../support/run-app.js';
import { untracedOnly } from './run-cases.js';

describe('a toJSON on all objects', { skip: untracedOnly }, () => {
  it('C19 changes nothing of what the agent is told', async () => {
    const agent = await TestAgent.start({ record: true });
    const app = await runApp({ file: 'polluted-app.cjs', loader: 'require', agentPort: agent.port });
    try {
      const trace = newTrace();
      assert.equal(
        (await exchange({ port: app.ports['app'] ?? 0, secure: false }, { path: '/' }, trace)).body,
        'served',
      );
      const spans = await agent.waitForSpans((all) => all.filter(({ t }) => t === trace.t).length === 2);
      const byHand = spans.find(({ n }) => n === 'sdk');
      assert.deepEqual(byHand?.data.sdk?.custom?.tags, { nested: { list: [1] } });
      await waitUntil(() => agent.requests('POST', '/com.instana.plugin.nodejs.').length > 1, 'metrics', 10_000);
      const [announce] = agent.requests('PUT');
      const [full] = agent.requests('POST', '/com.instana.plugin.nodejs.');
      const { pid, args } = (announce?.body ?? {}) as { pid: number; args: string[] };
      assert.equal(pid, app.pid);
      assert.ok(args.some((argument) => argument.endsWith('polluted-app.cjs')));
      const metrics = full?.body as {
        pid: number;
        memory: { rss: number };
        versions: { node: string };
        args: string[];
      };
      assert.equal(metrics.pid, app.pid);
      assert.ok(metrics.memory.rss > 0);
      assert.equal(metrics.versions.node, process.versions.node);
      assert.ok(metrics.args.length > 1);
    } finally {
      await app.stop();
      await agent.close();
    }
  });
});
