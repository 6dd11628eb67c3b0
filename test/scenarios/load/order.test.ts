import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { TestAgent } from '../../support/agent/test-agent.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { AppProcess, closedPort } from '../twin/app-process.js';
import { sendLoad } from './client.js';
import { ask } from './steady.js';

describe('under load', () => {
  it('spans that are finished before there is an agent are kept, and delivered once it appears', async () => {
    const port = await closedPort();
    const app = await AppProcess.start({ file: 'twin/load.cjs', traced: true, agentPort: port, channel: true });
    let agent: TestAgent | null = null;
    try {
      await sendLoad(app.port, '/hello/early', 1000);
      const isLooking = async (): Promise<boolean> => {
        const { agent, spans } = await ask<{ agent: { state: string }; spans: { waiting: number } }>(app, 'status');
        return agent.state === 'looking-up' && spans.waiting === 1000;
      };
      await waitUntil(isLooking, 'a sensor that looks for an agent');
      agent = await TestAgent.start({ port });
      const spans = await agent.waitForSpans(1000, 30_000);
      assert.equal(spans.length, 1000);
      assert.equal(new Set(spans.map(({ s }) => s)).size, 1000);
      for (const { f, data } of spans) {
        assert.equal(f?.e, String(app.pid));
        assert.equal(data.http?.path_tpl, '/hello/:name');
      }
    } finally {
      await app.stop();
      await agent?.close();
    }
  });

  it('of more spans than may wait the latest are kept, and those that were dropped are counted', async () => {
    const port = await closedPort();
    const app = await AppProcess.start({ file: 'twin/load.cjs', traced: true, agentPort: port, channel: true });
    let agent: TestAgent | null = null;
    try {
      await sendLoad(app.port, '/hello/old', 3000);
      await sendLoad(app.port, '/hello/new', 5000);
      agent = await TestAgent.start({ port });
      const spans = await agent.waitForSpans(5000, 30_000);
      assert.deepEqual(new Set(spans.map(({ data }) => data.http?.url)), new Set(['/hello/new']));
      const { spans: counters } = await ask<{ spans: { finished: number; dropped: Record<string, number> } }>(
        app,
        'status',
      );
      assert.deepEqual(
        { finished: counters.finished, dropped: counters.dropped },
        {
          finished: 8000,
          dropped: { overflow: 3000 },
        },
      );
    } finally {
      await app.stop();
      await agent?.close();
    }
  });

  it('100 requests with calls out that run at the same time never mix', async () => {
    const agent = await TestAgent.start();
    const arrivals: { url: string; trace: string; span: string }[] = [];
    const downstream = http.createServer((req, res) => {
      const { 'x-instana-t': trace, 'x-instana-s': span } = req.headers;
      arrivals.push({ url: req.url ?? '', trace: String(trace), span: String(span) });
      setTimeout(() => res.end('x'), arrivals.length % 7);
    });
    await new Promise<void>((resolve) => downstream.listen(0, '127.0.0.1', resolve));
    const { port } = downstream.address() as AddressInfo; // a TCP server has this form
    const env = { DOWNSTREAM_URL: `http://127.0.0.1:${port}` };
    const app = await AppProcess.start({
      file: 'twin/load.cjs',
      traced: true,
      agentPort: agent.port,
      channel: true,
      env,
    });
    try {
      await Promise.all(Array.from({ length: 100 }, (_, id) => sendLoad(app.port, `/chain/${id}`, 1)));
      const spans = await agent.waitForSpans(400, 30_000);
      assert.equal(spans.length, 400);
      const entries = spans.filter(({ k }) => k === 1);
      assert.equal(new Set(entries.map(({ t }) => t)).size, 100);
      for (const entry of entries) {
        const id = entry.data.http?.url?.split('/')[2];
        const exits = spans.filter(({ t, k }) => t === entry.t && k === 2);
        const steps = exits.map(({ data }) => data.http?.url?.replace(/^http:\/\/[^/]+/, '')).sort();
        assert.deepEqual(
          steps,
          [1, 2, 3].map((step) => `/chain/${id}/${step}`),
        );
        for (const exit of exits) {
          assert.equal(exit.p, entry.s);
          const arrival = arrivals.find(({ span }) => span === exit.s);
          assert.equal(arrival?.trace, entry.t);
          assert.ok(exit.data.http?.url?.endsWith(arrival?.url ?? 'none'));
        }
      }
    } finally {
      await app.stop();
      await agent.close();
      downstream.closeAllConnections();
      downstream.close();
    }
  });

  it('a timer that a request started and that lives for ever holds nothing of the request', async () => {
    const agent = await TestAgent.start();
    const app = await AppProcess.start({
      file: 'twin/load.cjs',
      traced: true,
      agentPort: agent.port,
      channel: true,
      nodeArguments: ['--expose-gc'],
    });
    try {
      await sendLoad(app.port, '/timer', 50, 5);
      await agent.waitForSpans(50);
      // Other requests push out what Node.js itself remembers of the last ones.
      await sendLoad(app.port, '/hello/x', 500, 5);
      await agent.waitForSpans(550);
      const held = await ask<{ timers: number; alive: number; references: number }>(app, 'held');
      assert.equal(held.timers, 50);
      assert.equal(held.references, 150);
      assert.equal(held.alive, 0);
    } finally {
      await app.stop();
      await agent.close();
    }
  });
});
