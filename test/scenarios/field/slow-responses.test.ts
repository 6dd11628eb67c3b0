// Bodies that take longer than ten seconds, in real time: streaming, exports, server-sent events.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { nodeVersions, TracedApp } from '../../support/traced-app.js';

/** Of the slow bodies. */
const slowMs = 12_500;

/** A server whose bodies come in pieces, late, or not to their end. */
async function startDownstream(): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    const every = (ms: number, text: string): void => {
      const timer = setInterval(() => response.write(text), ms);
      response.on('close', () => clearInterval(timer));
    };
    response.writeHead(200).flushHeaders();
    switch (request.url) {
      case '/pieces':
        every(500, 'piece');
        setTimeout(() => response.end(), slowMs);
        break;
      case '/break':
        every(500, 'piece');
        setTimeout(() => response.destroy(), slowMs);
        break;
      case '/late':
        setTimeout(() => response.end('first'), slowMs);
        break;
      case '/huge':
        every(500, 'x'.repeat(100_000));
        setTimeout(() => response.end(), slowMs);
        break;
      case '/events':
        every(1000, 'event');
        setTimeout(() => response.end(), 6000);
        break;
      default:
        break; // silent
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

interface Expected {
  readonly path: string;
  readonly durationMs: readonly [min: number, max: number];
  /** Of the exit; of the entry if there is none. */
  readonly error: RegExp | null;
}

const whole = [slowMs - 100, slowMs + 4000] as const;

const slow: Readonly<Record<string, Expected>> = {
  'http.get that reads in pieces': { path: '/get/pieces', durationMs: whole, error: null },
  'an iteration that reads in pieces': { path: '/iterate/pieces', durationMs: whole, error: null },
  'fetch that reads in pieces': { path: '/fetch/pieces', durationMs: whole, error: null },
  'a pipe to the client': { path: '/pipe/pieces', durationMs: whole, error: null },
  'http.get that waits for the first byte': { path: '/get/late', durationMs: whole, error: null },
  'fetch that waits for the first byte': { path: '/fetch/late', durationMs: whole, error: null },
  'http.get that breaks off': { path: '/get/break', durationMs: whole, error: /aborted/ },
  'fetch that breaks off': { path: '/fetch/break', durationMs: whole, error: /other side closed/ },
  'http.get that nobody reads': { path: '/unread/huge', durationMs: [0, 5000], error: null },
  'fetch that nobody reads': { path: '/unreadFetch/huge', durationMs: [0, 5000], error: null },
};

const alive: Readonly<Record<string, Expected>> = {
  'http.get that reads an event each second': { path: '/get/events', durationMs: [5900, 9000], error: null },
  'fetch that reads an event each second': { path: '/fetch/events', durationMs: [5900, 9000], error: null },
  'a response that is written for 6 seconds': { path: '/write/6000', durationMs: [5900, 9000], error: null },
  'a reader that gets nothing': { path: '/get/silent', durationMs: [3000, 6500], error: /^Unfinished: / },
};

function findSpan(spans: readonly WireSpan[], path: string): WireSpan | undefined {
  const entry = spans.find(({ k, data }) => k === 1 && data.http?.url === path);
  return path.startsWith('/write/') ? entry : spans.find(({ k, p }) => k === 2 && p !== undefined && p === entry?.s);
}

for (const version of nodeVersions) {
  const { title: nodeTitle, skip } = version;
  describe(`the span on ${nodeTitle} of`, { skip }, () => {
    const cases = [
      { env: {}, cases: slow },
      { env: { INSTANA_TRACING_MAX_REQUEST_MS: '3000' }, cases: alive },
    ];
    let downstream: http.Server | null = null;
    const running: { readonly app: TracedApp; readonly cases: Readonly<Record<string, Expected>> }[] = [];

    before(async () => {
      if (skip !== false) return;
      downstream = await startDownstream();
      const downstreamUrl = `http://127.0.0.1:${(downstream.address() as AddressInfo).port}`; // a TCP server has this form
      for (const { env, cases: list } of cases) {
        const options = { file: 'field/slow-responses.cjs', loader: 'require', downstreamUrl, env } as const;
        const app = await TracedApp.start(options, version);
        running.push({ app, cases: list });
        for (const { path } of Object.values(list)) app.get(path).catch(() => {});
      }
    });
    after(async () => {
      for (const { app } of running) await app.stop();
      downstream?.closeAllConnections();
      downstream?.close();
    });

    for (const [index, { cases: list }] of cases.entries()) {
      for (const [title, { path, durationMs, error }] of Object.entries(list)) {
        it(title, async () => {
          const { app } = running[index] ?? assert.fail();
          const spans = await app.spans((all) => findSpan(all, path) !== undefined, 40_000);
          const span = findSpan(spans, path) ?? assert.fail(`no span of ${path}`);
          assert.ok(span.d >= durationMs[0] && span.d <= durationMs[1], `${span.d} ms`);
          assert.equal(span.data.http?.status, 200);
          if (error === null) assert.deepEqual([span.ec, span.data.http?.error], [0, undefined]);
          else assert.match(span.data.http?.error ?? '', error);
        });
      }
    }
  });
}
