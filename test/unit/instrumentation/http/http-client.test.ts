// Node.js' own client against a real server: spans of calls, and what the server gets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { httpClient } from '../../../../src/instrumentation/http/http-client.js';
import { Loader } from '../../../../src/instrumentation/loader.js';
import type { WireSpan } from '../../../../src/protocol/wire-span.js';
import { type Suppressed, suppressed } from '../../../../src/spans/active-span.js';
import { HttpAttributes, SpanRecord } from '../../../../src/spans/span.js';
import { ToolBox } from '../tool-box.js';

const traceId = '8448eb211c80319c';
const spanId = '00f067aa0ba902b7';
const entry = (): SpanRecord =>
  new SpanRecord('node.http.server', 1, traceId, spanId, null, null, 0, 0, new HttpAttributes('GET', '/', null));

describe('a call of http', () => {
  const server = http.createServer((req, res) => {
    received.push(req.headers);
    if (req.url === '/hang') return;
    if (req.url === '/cut') {
      res.writeHead(200, { 'content-length': 10 });
      res.write('half', () => res.destroy());
      return;
    }
    res.writeHead(req.url === '/error' ? 503 : 200, { 'x-out': 'b' }).end('body');
  });
  const received: http.IncomingHttpHeaders[] = [];
  let box: ToolBox;
  let base = '';
  let port = 0;

  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port; // a TCP server has this form
    base = `http://127.0.0.1:${port}`;
  });
  beforeEach(() => {
    received.length = 0;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Runs `fn` with http patched and `active` as the active span. */
  async function traced(
    fn: () => Promise<unknown>,
    active: SpanRecord | Suppressed = entry(),
    code: object = {},
  ): Promise<WireSpan[]> {
    box = new ToolBox(code);
    const loader = new Loader({
      context: box.tools,
      instrumentations: [httpClient],
      channels: [],
      known: [httpClient],
    });
    loader.start();
    try {
      await box.scope.apply(active, fn, undefined, []);
    } finally {
      loader.stop();
    }
    assert.deepEqual(box.faults.counts(), {});
    return box.spans();
  }

  /** Resolves when the request is closed. An error is expected, and part of the span. */
  async function closed(request: http.ClientRequest): Promise<void> {
    // Not `once`, which rejects with an error of the request.
    await new Promise((resolve) => request.on('error', () => {}).on('close', resolve));
  }

  async function read(request: http.ClientRequest): Promise<void> {
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    await once(request, 'close');
  }

  it('has a span, whose context the server gets', async () => {
    const [span] = await traced(() => read(http.get(`${base}/a?b=1`, { agent: false })));
    assert.deepEqual([span?.n, span?.k, span?.t, span?.p, span?.ec], ['node.http.client', 2, traceId, spanId, 0]);
    assert.deepEqual(span?.data.http, { method: 'GET', url: `${base}/a`, params: 'b=1', status: 200 });
    assert.deepEqual(
      [received[0]?.['x-instana-t'], received[0]?.['x-instana-s'], received[0]?.['x-instana-l']],
      [traceId, span?.s, '1'],
    );
    assert.match(span?.stack?.[0]?.c ?? '', /http-client\.test/);
  });

  for (const [form, headers] of [
    ['an object', { a: '1' }],
    // With a list Node.js adds no Host header.
    ['a flat list', ['a', '1', 'host', 'a']],
    ['pairs', [['a', '1'] as const, ['host', 'a'] as const]],
  ] as const) {
    it(`sends its own headers and ours: ${form}`, async () => {
      const options = { port, host: '127.0.0.1', headers: headers as http.OutgoingHttpHeaders, agent: false };
      const [span] = await traced(() => read(http.get(options)));
      assert.deepEqual([received[0]?.['a'], received[0]?.['x-instana-s']], ['1', span?.s]);
      assert.deepEqual(options.headers, headers);
    });
  }

  it('calls back, and returns what Node.js returns', async () => {
    let request: http.ClientRequest | undefined;
    let body = '';
    await traced(async () => {
      request = http.get(base, { agent: false }, (response) => {
        response.on('data', (chunk) => {
          body += chunk;
        });
      });
      await closed(request);
    });
    assert.equal(body, 'body');
    assert.ok(request instanceof http.ClientRequest);
  });

  it('has the error of its status, and of a response that is cut off', async () => {
    const [failed] = await traced(() => read(http.get(`${base}/error`, { agent: false })));
    assert.deepEqual([failed?.ec, failed?.data.http?.status], [1, 503]);
    const [cut] = await traced(async () => {
      const request = http.get(`${base}/cut`, { agent: false });
      request.on('response', (response) => response.on('error', () => {}).resume());
      await closed(request);
    });
    assert.deepEqual([cut?.ec, cut?.data.http?.status], [1, 200]);
    assert.match(cut?.data.http?.error ?? '', /aborted/);
  });

  it('that the application destroys is an aborted one', async () => {
    const [span] = await traced(async () => {
      const request = http.get(`${base}/hang`, { agent: false });
      const done = closed(request);
      request.destroy();
      await done;
    });
    assert.deepEqual([span?.ec, span?.data.http?.error], [1, 'Request aborted']);
  });

  it('that times out says so', async () => {
    const [span] = await traced(async () => {
      const request = http.get(`${base}/hang`, { agent: false, timeout: 20 });
      request.on('timeout', () => request.destroy());
      await closed(request);
    });
    assert.equal(span?.data.http?.error, 'Timeout exceeded, request aborted');
  });

  it('that Node.js refuses throws the same error, and has a span', async () => {
    const expected = { code: 'ERR_INVALID_URL' };
    const [span] = await traced(async () => assert.throws(() => http.get('no url'), expected));
    assert.deepEqual([span?.data.http?.url, span?.ec], ['no url', 1]);
    const [second] = await traced(async () =>
      assert.throws(() => http.get({ path: 'not valid' }), { code: 'ERR_UNESCAPED_CHARACTERS' }),
    );
    assert.equal(second?.ec, 1);
  });

  it('in a suppressed request has no span, and sends the level', async () => {
    assert.deepEqual(await traced(() => read(http.get(base, { agent: false })), suppressed), []);
    assert.deepEqual([received[0]?.['x-instana-l'], received[0]?.['x-instana-t']], ['0', undefined]);
  });

  it('outside a request is left alone', async () => {
    box = new ToolBox();
    const loader = new Loader({
      context: box.tools,
      instrumentations: [httpClient],
      channels: [],
      known: [httpClient],
    });
    loader.start();
    await read(http.get(base, { agent: false }));
    loader.stop();
    assert.deepEqual([box.spans(), received[0]?.['x-instana-l']], [[], undefined]);
  });

  it('has the configured headers, of its options and of those that are set later', async () => {
    const options = { agent: false, headers: ['x-in', 'a', 'host', 'a'] as unknown as http.OutgoingHttpHeaders }; // a list, as Node.js takes it
    const code = { tracing: { extraHttpHeaders: ['x-in', 'x-out', 'x-later'] } };
    const [span] = await traced(() => read(http.get(base, options)), entry(), code);
    assert.deepEqual(span?.data.http?.header, { 'x-in': 'a', 'x-out': 'b' });
    const [later] = await traced(
      () => {
        const request = http.request(base, { agent: false });
        request.setHeader('X-Later', 'c');
        request.end();
        return read(request);
      },
      entry(),
      code,
    );
    assert.deepEqual(later?.data.http?.header, { 'x-later': 'c', 'x-out': 'b' });
  });
});
