// A marker in everything that may hold a secret: it must be in nothing that the agent gets, and in no line of the log.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestAgent } from '../../support/agent/test-agent.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { startDownstream } from '../../support/downstream.js';
import { exchange } from '../../support/exchange.js';
import { runApp } from '../../support/run-app.js';
import { untracedOnly } from './run-cases.js';

const marker = 'hunter2';
const spansOfRequest = 7;

describe('secrets', { skip: untracedOnly }, () => {
  it('D14 D15 I3 are in nothing that the agent gets, and in no line of the log', async () => {
    const agent = await TestAgent.start({ record: true });
    const downstream = await startDownstream();
    const app = await runApp({
      file: 'secrets-app.cjs',
      loader: 'require',
      agentPort: agent.port,
      downstreamUrl: downstream.url,
      env: {
        MARKER: marker,
        INSTANA_DEBUG: '1',
        INSTANA_EXTRA_HTTP_HEADERS: 'authorization;cookie;set-cookie;x-api-key;location;referer',
      },
      args: [
        `--db-password=${marker}`,
        '--api-key',
        marker,
        `PASS=${marker}`,
        `postgres://joe:${marker}@h/db`,
        `--url=https://h/?a=1?apiKey=${marker}`,
        `{"password":"${marker}"}`,
      ],
    });
    try {
      const headers = {
        Authorization: `Bearer ${marker}`,
        Cookie: `sid=${marker}`,
        'X-Api-Key': marker,
        Referer: `http://u:${marker}@h/?password=${marker}`,
      };
      const path = `/a;password=${marker}/b?x=1&user%5Bpassword%5D=${marker}?PassWord=${marker};secret=${marker}`;
      await exchange({ port: app.ports['app'] ?? 0, secure: false }, { path, headers }, null);
      const spans = await agent.waitForSpans((all) => all.some(({ k, n }) => k === 1 && n === 'node.http.server'));
      assert.equal(spans.length, spansOfRequest);
      const metrics = (): boolean => agent.requests('POST', '/com.instana.plugin.nodejs.').length > 0;
      await waitUntil(metrics, 'metrics', 10_000);
      const requests = agent.requests();
      for (const request of requests) assert.ok(!JSON.stringify(request).includes(marker), JSON.stringify(request));
      assert.ok(!app.stderr().includes(marker), app.stderr());
      const entry = spans.find(({ k, n }) => k === 1 && n === 'node.http.server');
      assert.equal(entry?.data.http?.params, 'x=1&user%5Bpassword%5D=<redacted>?PassWord=<redacted>;secret=<redacted>');
      assert.deepEqual(Object.keys(entry?.data.http?.header ?? {}).sort(), [
        'authorization',
        'cookie',
        'location',
        'referer',
        'set-cookie',
        'x-api-key',
      ]);
    } finally {
      await app.stop();
      await agent.close();
      await downstream.close();
    }
  });
});
