// The same requests to the same application with and without the sensor: what comes back has to be the same, to the byte.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { agents, type TwinAgent } from './agents.js';
import { type AppEnd, AppProcess, closedPort } from './app-process.js';
import { type Downstream, startDownstream } from './downstream.js';

interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: Buffer;
  /** Gives up after so many milliseconds. */
  readonly abortAfterMs?: number;
  /** Gives up with the first bytes of the body. */
  readonly abortReading?: boolean;
}

const payload = Buffer.alloc(1024 * 1024, 'payload ');

const common: readonly Ask[] = [
  { path: '/hello' },
  { path: '/hello?key=secret&a=b', headers: { 'X-INSTANA-L': '0' } },
  { path: '/hello', headers: { 'X-INSTANA-T': 'f'.repeat(16), 'X-INSTANA-S': '1', 'X-INSTANA-L': '1' } },
  { path: '/hello', headers: { 'X-INSTANA-T': '"><script>', 'X-INSTANA-L': ','.repeat(4000) } },
  { method: 'HEAD', path: '/hello' },
  { method: 'OPTIONS', path: '/hello' },
  { method: 'DELETE', path: '/empty' },
  { path: '/missing' },
  { method: 'POST', path: '/missing', body: payload },
  { path: '/%E0%A4%A' },
  { path: '//double//slash' },
  { path: `/long?${'x'.repeat(10_000)}` },
  { method: 'POST', path: '/echo', body: payload },
  { method: 'POST', path: '/echo', body: Buffer.from('small'), headers: { Expect: '100-continue' } },
  { path: '/large' },
  { path: '/large', abortReading: true },
  { path: '/stream' },
  { path: '/heads' },
  { path: '/hints' },
  { path: '/misuse' },
  { path: '/visible' },
  { path: '/visible', headers: { 'X-INSTANA-L': '0' } },
  { path: '/out' },
  { path: '/out', headers: { 'X-INSTANA-L': '0' } },
  { path: '/fetch' },
  { path: '/options' },
  { path: '/slow', abortAfterMs: 50 },
  { path: '/half', abortReading: true },
  { path: '/destroy' },
  { path: '/hello' },
];

const failing: readonly Ask[] = [
  { path: '/throw' },
  { path: '/reject' },
  { path: '/items/7?x=1' },
  { method: 'HEAD', path: '/items/7' },
  { method: 'OPTIONS', path: '/items/7' },
  { method: 'PATCH', path: '/items/7' },
  { path: '/failing' },
  { path: '/handled' },
  { path: '/piped' },
];

const asks: Readonly<Record<string, readonly Ask[]>> = {
  http: common,
  express: [...common, ...failing, { path: '/throwNull' }],
  koa: [...common, ...failing],
};

/** Requests on one connection one after the other, in one write, and at once. */
const [kept, pipelined, parallel] = [20, 5, 30];

interface Reply {
  readonly ask: string;
  readonly outcome: string;
  readonly headers: readonly string[];
  readonly trailers: readonly string[];
  readonly informational: readonly number[];
  readonly bytes: number;
  readonly sha: string;
  /** The beginning, so that a failure shows more than that it differs. */
  readonly text: string;
}

function send(port: number, ask: Ask): Promise<Reply> {
  const { method = 'GET', path, headers = {}, body, abortAfterMs, abortReading = false } = ask;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const informational: number[] = [];
    let response: http.IncomingMessage | undefined;
    const settle = (outcome: string): void => {
      // How much of a body has come when a client gives up is a matter of chance.
      const all = abortReading ? Buffer.alloc(0) : Buffer.concat(chunks);
      resolve({
        ask: `${method} ${path.slice(0, 50)}`,
        outcome: `${response?.statusCode ?? 'no status'} ${response?.statusMessage ?? ''} ${outcome}`,
        headers: withoutDate(response?.rawHeaders ?? []),
        trailers: response?.rawTrailers ?? [],
        informational,
        bytes: all.length,
        sha: createHash('sha1').update(all).digest('hex'),
        text: all.toString('latin1', 0, 6000),
      });
    };
    const request = http.request({ host: '127.0.0.1', port, method, path, headers, agent: false });
    request.on('information', ({ statusCode }) => informational.push(statusCode));
    request.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    request.on('response', (message) => {
      response = message;
      message.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (!abortReading) return;
        settle('given up');
        request.destroy();
      });
      message.on('end', () => settle('end'));
      message.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    });
    request.setTimeout(5000, () => request.destroy(new Error('no answer within 5 s')));
    if (abortAfterMs !== undefined) setTimeout(() => request.destroy(), abortAfterMs);
    request.end(body);
  });
}

/** Headers without the date, and without the pair that ours adds. */
function withoutDate(raw: readonly string[]): string[] {
  const lines = raw.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${raw[index + 1]}\r\n`] : []));
  return withoutPair(lines.join('').replaceAll(/^Date: .*\r\n/gim, '')).split('\r\n');
}

/** The exact form of the pair is the subject of `test/scenarios/conformance/heads.test.ts`. */
function withoutPair(head: string): string {
  return head
    .replaceAll(/^Server-Timing: intid;desc=[0-9a-f]{16}\r\n/gm, '')
    .replaceAll(/, intid;desc=[0-9a-f]{16}(?=\r\n)/g, '');
}

/** Five requests in one write, and one that is no HTTP at all. */
async function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.end(text));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(withoutPair(received.replaceAll(/^Date: .*\r\n/gm, ''))));
  });
}

interface Story {
  readonly replies: readonly unknown[];
  readonly stdout: string;
  readonly stderr: string;
  readonly end: Omit<AppEnd, 'atMs'>;
}

/** All requests, one after the other, then some at once, then the natural end. */
async function run(framework: string, traced: boolean, agentPort: number, env: Record<string, string>): Promise<Story> {
  // In production Express keeps stacks out of its error pages; a wrapped function is a frame more in them.
  const production = { ...env, NODE_ENV: 'production' };
  const app = await AppProcess.start({ file: 'twin/app.cjs', args: [framework], traced, agentPort, env: production });
  const replies: unknown[] = [];
  for (const ask of asks[framework] ?? []) replies.push(await send(app.port, ask));
  const sameSocket = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (let index = 0; index < kept; index++) replies.push(await keptAlive(app.port, sameSocket));
  sameSocket.destroy();
  const requests = 'GET /hello HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(pipelined);
  replies.push(await sendRaw(app.port, requests.replace(/\r\n\r\n$/, '\r\nConnection: close\r\n\r\n')));
  replies.push(await sendRaw(app.port, 'GARBAGE\r\n\r\n'));
  replies.push(await sendRaw(app.port, 'GET /hello HTTP/1.0\r\n\r\n'));
  replies.push(...(await Promise.all(Array.from({ length: parallel }, () => send(app.port, { path: '/slow' })))));
  await send(app.port, { path: '/close' });
  const { code, signal } = await app.exited;
  return { replies, stdout: app.stdout, stderr: withoutFrames(app.hostStderr), end: { code, signal } };
}

/** Calls of each request. The fifth of `/fetch` has an invalid URL, which fetch refuses before there is a request. */
const callsOf: Readonly<Record<string, number>> = { 'GET /out': 20, 'GET /fetch': 4, 'GET /options': 2 };

/** Method and path of each request that `run` sends, but for what is no HTTP and what its caller asked not to trace. */
function tracedRequests(framework: string): string[] {
  const single = (asks[framework] ?? [])
    .filter(({ headers }) => headers?.['X-INSTANA-L'] !== '0')
    .map(({ method = 'GET', path }) => `${method} ${path.split('?')[0]}`);
  const repeated = [
    ['GET /hello', kept + pipelined + 1], // and one of HTTP/1.0
    ['GET /slow', parallel],
    ['GET /close', 1],
  ] as const;
  return [...single, ...repeated.flatMap(([request, count]) => new Array<string>(count).fill(request))];
}

function requestOf({ data }: WireSpan): string {
  return `${data.http?.method} ${data.http?.url}`;
}

function withoutFrames(text: string): string {
  return text.replaceAll(/^ +at .*\n/gm, '');
}

function keptAlive(port: number, agent: http.Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path: '/hello', agent }, (response) => {
        response.resume();
        response.on('end', () => resolve(`${response.statusCode} ${withoutDate(response.rawHeaders).join()}`));
      })
      .on('error', reject);
  });
}

for (const framework of Object.keys(asks)) {
  describe(`an application on ${framework} behaves as without the sensor`, () => {
    let downstream: Downstream;
    let env: Record<string, string>;
    let bare: Story;

    before(async () => {
      downstream = await startDownstream();
      env = { DOWNSTREAM_URL: downstream.url, CLOSED_URL: `http://127.0.0.1:${await closedPort()}` };
      bare = await run(framework, false, 1, env);
    });
    after(() => downstream.close());

    for (const [state, startAgent] of Object.entries(agents)) {
      describe(`with an agent that is ${state}:`, () => {
        let twinAgent: TwinAgent;
        let traced: Story;
        before(async () => {
          twinAgent = await startAgent();
          traced = await run(framework, true, twinAgent.port, env);
        });
        after(() => twinAgent.close());

        it('every reply is the same', () => {
          assert.ok(bare.replies.length > 50);
          for (const [index, reply] of bare.replies.entries()) assert.deepEqual(traced.replies[index], reply);
        });
        it('it prints the same', () => assert.equal(traced.stdout, bare.stdout));
        it('it complains the same', () => assert.equal(traced.stderr, bare.stderr));
        if (state === 'healthy')
          it('every request that it serves is traced, and every call that it makes', () => {
            const spans = twinAgent.agent?.spans() ?? [];
            const entries = spans.filter(({ k }) => k === 1);
            assert.deepEqual(entries.map(requestOf).sort(), tracedRequests(framework).sort());
            const exits: Record<string, number> = {};
            for (const { p } of spans.filter(({ k }) => k === 2)) {
              const caller = requestOf(entries.find(({ s }) => s === p) ?? assert.fail('a call without its request'));
              exits[caller] = (exits[caller] ?? 0) + 1;
            }
            assert.deepEqual(exits, callsOf);
          });
        it('it ends the same', () => assert.deepEqual(traced.end, bare.end));
      });
    }
  });
}
