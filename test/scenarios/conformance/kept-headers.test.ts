// Applications that pass on the response headers of an upstream, with the trace id that the upstream named.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { exchange, newTrace } from '../../support/exchange.js';
import { type HostApp, runApp } from '../../support/run-app.js';
import { type SpanCollector, startTestAgent } from '../../support/span-collector.js';

const ways = [
  'plain.object',
  'plain.list',
  'plain.pairs',
  'plain.set',
  'plain.appended',
  'plain.setAll',
  'plain.setThenObject',
  'plain.piped',
  'plain.pipedRaw',
  'express',
  'koa',
];

describe('response headers of an upstream that are passed on', () => {
  let agent: SpanCollector;
  let host: HostApp;
  let upstream: Server;

  before(async () => {
    // As an upstream does that another sensor traces, or ours in another trace.
    upstream = createServer((_req, res) => {
      res.writeHead(200, [
        'Server-Timing',
        'db;desc="a, b";dur=3',
        'Server-Timing',
        `intid;desc=${newTrace().t}, cache`,
      ]);
      res.end('x');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as AddressInfo; // a listening TCP server has this form
    agent = await startTestAgent();
    const downstreamUrl = `http://127.0.0.1:${port}`;
    host = await runApp({ file: 'kept-headers.cjs', loader: 'require', agentPort: agent.port, downstreamUrl });
    assert.ok(await agent.waitForAnnounce(host.pid, 8000), host.stderr());
  });
  after(async () => {
    await host.stop();
    await agent.close();
    upstream.closeAllConnections();
    upstream.close();
  });

  for (const way of ways) {
    it(`name the trace of each request, and keep the other members: ${way}`, async () => {
      for (let index = 0; index < 3; index++) {
        const trace = newTrace();
        const { headers, status } = await exchange({ port: host.ports[way] ?? 0, secure: false }, { path: '/' }, trace);
        const timing = headers.filter(([name]) => name.toLowerCase() === 'server-timing').map(([, value]) => value);
        assert.equal(status, 200);
        assert.equal(timing.join(', '), `db;desc="a, b";dur=3, cache, intid;desc=${trace.t}`);
      }
    });
  }

  it('stay as they are on a response that is not traced', async () => {
    const port = host.ports['plain.object'] ?? 0;
    const { headers } = await exchange({ port, secure: false }, { path: '/', headers: { 'X-INSTANA-L': '0' } }, null);
    const timing = headers.filter(([name]) => name.toLowerCase() === 'server-timing');
    assert.match(timing.join(), /intid;desc=[0-9a-f]{16}, cache$/);
  });
});
