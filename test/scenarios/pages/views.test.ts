// Pages as users make them, by template engines and by hand: each has the snippet with the trace of its own request.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { exchange, newTrace, type TraceIds } from '../../support/exchange.js';
import { type HostApp, runApp } from '../../support/run-app.js';
import { type SpanCollector, startTestAgent } from '../../support/span-collector.js';

const servers = ['express5', 'express4', 'koa'];
const pages = ['/ejs', '/ejs-async', '/pug', '/string', '/body', '/streamed'];

/** The calls of the snippet that a page holds once. */
function callsOf(html: string): string[] {
  assert.equal(html.match(/<script>/g)?.length, 1, html);
  return [...html.matchAll(/ineum\(('[^)]*')\);/g)].map(([, call = '']) => call);
}

const traceCall = (trace: string): string => `'traceId','${trace}'`;

for (const loader of ['require', 'import'] as const) {
  describe(`pages of a server under ${loader}`, () => {
    let agent: SpanCollector;
    let host: HostApp;
    before(async () => {
      agent = await startTestAgent();
      host = await runApp({ file: 'pages.cjs', loader, agentPort: agent.port });
      await agent.waitForAnnounce(host.pid, 10_000);
    });
    after(async () => {
      await host.stop();
      await agent.close();
    });

    const ask = async (
      server: string,
      path: string,
      trace: TraceIds | null = null,
      headers: Record<string, string> = {},
    ): Promise<string> => {
      const to = { port: host.ports[server] ?? 0, secure: false };
      const { status, body } = await exchange(to, { path, headers }, trace);
      assert.equal(status, 200, body);
      return body;
    };
    /** Of the entry span of a request, which is known by its query. */
    const traceOf = async (query: string): Promise<string> => {
      const find = (): WireSpan | undefined =>
        agent.spans().find(({ data }) => JSON.stringify(data).includes(`"${query}"`));
      await agent.waitForSpans(() => find() !== undefined, 5000);
      const trace = find()?.t ?? '';
      assert.match(trace, /^[0-9a-f]{16}$/);
      return trace;
    };

    it('names the trace that came with the request, each its own among 180 at once', async () => {
      const requests = Array.from({ length: 10 }, () =>
        servers.flatMap((server) => pages.map((path) => [server, path])),
      );
      const answers = requests.flat().map(async ([server = '', path = '']) => {
        const trace = newTrace();
        assert.deepEqual(callsOf(await ask(server, path, trace)), [`'apiKey','key-by-code'`, traceCall(trace.t)], path);
      });
      assert.equal((await Promise.all(answers)).length, 180);
    });

    for (const server of servers) {
      it(`names the trace that ${server} begins, as the span has it`, async () => {
        const asked = pages.map(async (path, index) => {
          const query = `n=${loader}-${server}-${index}`;
          const calls = callsOf(await ask(server, `${path}?${query}`));
          assert.deepEqual(calls.slice(1), [traceCall(await traceOf(query))], path);
        });
        await Promise.all(asked);
      });

      it(`is of ${server}'s own making when what came as a trace id is none`, async () => {
        const asked = [`');alert(1);//`, '</script>', '0'].map(async (hostile, index) => {
          const query = `h=${loader}-${server}-${index}`;
          const headers = { 'X-INSTANA-T': hostile, 'X-INSTANA-S': '1234567890abcdef' };
          const calls = callsOf(await ask(server, `/string?${query}`, null, headers));
          assert.equal(calls[1], traceCall(await traceOf(query)));
        });
        await Promise.all(asked);
      });

      it(`takes the last 16 digits of a long id in ${server}`, async () => {
        const headers = { 'X-INSTANA-T': 'AAAABBBBCCCCDDDD0123456789ABCDEF', 'X-INSTANA-S': '1234567890abcdef' };
        assert.equal(callsOf(await ask(server, '/ejs', null, headers))[1], traceCall('0123456789abcdef'));
      });

      it(`names no trace where ${server} is asked not to trace`, async () => {
        for (const path of [...pages, '/by-hand']) {
          const html = await ask(server, path, newTrace(), { 'X-INSTANA-L': '0' });
          assert.deepEqual(callsOf(html), [`'apiKey','key-by-code'`], path);
        }
      });

      it(`is empty outside any request of ${server}`, async () => {
        assert.deepEqual(JSON.parse(await ask(server, '/outside')), { atLoad: '', inTimer: '' });
      });

      it(`names the trace around a manual span in ${server}`, async () => {
        const trace = newTrace();
        assert.equal(callsOf(await ask(server, '/by-hand', trace))[1], traceCall(trace.t));
      });

      it(`takes what ${server}'s page passes`, async () => {
        const eum = { apiKey: 'other', traceId: 'abcdef0123456789', meta: { theme: 'dark' } };
        for (const path of pages) {
          const html = await ask(server, `${path}?eum=${encodeURIComponent(JSON.stringify(eum))}`);
          const expected = [`'apiKey','other'`, traceCall('abcdef0123456789'), `'meta','theme','dark'`];
          assert.deepEqual(callsOf(html), expected, path);
        }
      });
    }
  });
}

describe('the key of the environment', () => {
  it('wins over that of the code, and not over the argument', async () => {
    const agent = await startTestAgent();
    const env = { INSTANA_EUM_API_KEY: 'key-of-environment' };
    const host = await runApp({ file: 'pages.cjs', loader: 'require', agentPort: agent.port, env });
    try {
      const to = { port: host.ports['express5'] ?? 0, secure: false };
      assert.equal(callsOf((await exchange(to, { path: '/ejs' }, null)).body)[0], `'apiKey','key-of-environment'`);
      const eum = encodeURIComponent('{"apiKey":"argument"}');
      assert.equal(callsOf((await exchange(to, { path: `/ejs?eum=${eum}` }, null)).body)[0], `'apiKey','argument'`);
    } finally {
      await host.stop();
      await agent.close();
    }
  });
});
