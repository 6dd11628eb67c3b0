// Long requests over real connections, with a clock that runs ahead: which of them are over, and when.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchClient } from '../../../../src/instrumentation/http/fetch.js';
import { ForgottenSpans } from '../../../../src/instrumentation/http/forgotten-spans.js';
import { httpClient } from '../../../../src/instrumentation/http/http-client.js';
import { httpServer } from '../../../../src/instrumentation/http/http-server.js';
import { Loader } from '../../../../src/instrumentation/loader.js';
import type { WireSpan } from '../../../../src/protocol/wire-span.js';
import { HttpAttributes, SpanRecord } from '../../../../src/spans/span.js';
import { becomesTrue } from '../../../support/agent/wait-until.js';
import { ToolBox } from '../tool-box.js';

const maxRequestMs = 60_000;
const instrumentations = [httpServer, httpClient];

/** The other side: a test decides when each of its responses goes on. */
class Peer {
  readonly #server: http.Server = http.createServer((request, response) => {
    this.#open.emit('request', request, response);
  });
  readonly #open: EventEmitter = new EventEmitter();

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`; // a TCP server has this form
  }

  async next(): Promise<[http.IncomingMessage, http.ServerResponse]> {
    return (await once(this.#open, 'request')) as [http.IncomingMessage, http.ServerResponse];
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe('a long request', () => {
  const peer = new Peer();
  let box: ToolBox;
  let loader: Loader;
  let forgotten: ForgottenSpans;

  before(() => peer.start());
  after(() => peer.stop());
  beforeEach(() => {
    box = new ToolBox();
    loader = new Loader({
      context: box.tools,
      instrumentations,
      channels: [fetchClient],
      known: [...instrumentations, fetchClient],
    });
    forgotten = new ForgottenSpans({ ...box.tools, recorder: box.recorder, now: box.now });
    loader.start();
  });
  afterEach(() => {
    loader.stop();
    assert.deepEqual(box.faults.counts(), {});
  });

  /** Lets the time pass, with a look each second. */
  function pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      box.aheadMs += 1000;
      forgotten.end(maxRequestMs);
    }
  }

  function inRequest<Result>(fn: () => Result): Result {
    const attributes = new HttpAttributes('GET', '/', null);
    const parent = new SpanRecord('node.http.server', 1, '1', '2', null, null, 0, 0, attributes);
    return box.tools.activeSpan.apply(parent, fn, undefined, []);
  }

  /** The exit span; the peer of the tests is traced, too. */
  async function exit(): Promise<WireSpan> {
    const found: WireSpan[] = [];
    await becomesTrue(() => {
      found.push(...box.spans().filter(({ k }) => k === 2));
      return found.length > 0;
    }, 2000);
    assert.equal(found.length, 1);
    return found[0] as WireSpan; // there is one
  }

  function assertNoExit(): void {
    assert.deepEqual(
      box.spans().filter(({ k }) => k === 2),
      [],
    );
  }

  /** Sends a piece, and waits until it has arrived. */
  async function send(response: http.ServerResponse, arrived: () => Promise<unknown>): Promise<void> {
    const arrival = arrived();
    response.write('piece');
    await arrival;
  }

  /** A call whose head has arrived. */
  async function begin(): Promise<{ incoming: http.IncomingMessage; outgoing: http.ServerResponse }> {
    const request = inRequest(() => http.get(peer.url, { agent: false }));
    request.on('error', () => {});
    const [, outgoing] = await peer.next();
    outgoing.flushHeaders();
    const [incoming] = (await once(request, 'response')) as [http.IncomingMessage];
    incoming.on('error', () => {});
    return { incoming, outgoing };
  }

  async function beginFetch(
    init: RequestInit = {},
    headers: http.OutgoingHttpHeaders = {},
  ): Promise<{ incoming: Response; outgoing: http.ServerResponse }> {
    const pending = inRequest(() => fetch(peer.url, init));
    const [, outgoing] = await peer.next();
    outgoing.writeHead(200, headers).flushHeaders();
    return { incoming: await pending, outgoing };
  }

  it('lasts to its end if its body comes in pieces', async () => {
    const { incoming, outgoing } = await begin();
    incoming.on('data', () => {});
    for (let piece = 0; piece < 20; piece++) {
      await send(outgoing, () => once(incoming, 'data'));
      pass(15);
    }
    assertNoExit();
    outgoing.end();
    const { d, data } = await exit();
    assert.ok(d >= 300_000, `${d}`);
    assert.deepEqual([data.http?.status, data.http?.error], [200, undefined]);
  });

  it('by fetch lasts to its end if its body comes in pieces', async () => {
    const { incoming, outgoing } = await beginFetch();
    const reader = (incoming.body ?? assert.fail()).getReader();
    for (let piece = 0; piece < 20; piece++) {
      await send(outgoing, () => reader.read());
      pass(15);
    }
    assertNoExit();
    outgoing.end();
    await reader.read();
    const { d, data } = await exit();
    assert.ok(d >= 300_000, `${d}`);
    assert.deepEqual([data.http?.status, data.http?.error], [200, undefined]);
  });

  it('has the error of a connection that breaks off after 12 seconds', async () => {
    const { incoming, outgoing } = await begin();
    incoming.resume();
    pass(12);
    outgoing.destroy();
    const { d, ec, data } = await exit();
    assert.ok(d >= 12_000 && d < 20_000, `${d}`);
    assert.deepEqual([ec, data.http?.status, data.http?.error], [1, 200, 'Error: aborted']);
  });

  it('by fetch has the error of a connection that breaks off after 12 seconds', async () => {
    const { incoming, outgoing } = await beginFetch();
    const text = incoming.text();
    text.catch(() => {});
    await new Promise(setImmediate);
    pass(12);
    outgoing.destroy();
    await assert.rejects(text);
    const { d, ec, data } = await exit();
    assert.ok(d >= 12_000 && d < 20_000, `${d}`);
    assert.deepEqual([ec, data.http?.status], [1, 200]);
    assert.match(data.http?.error ?? '', /other side closed/);
  });

  it('waits 40 seconds for the first byte that the application wants to read', async () => {
    const { incoming, outgoing } = await begin();
    incoming.on('readable', () => incoming.read());
    pass(40);
    assertNoExit();
    outgoing.end('first');
    assert.ok((await exit()).d >= 40_000);
  });

  it('by fetch waits 40 seconds for the first byte that the application wants to read', async () => {
    const { incoming, outgoing } = await beginFetch();
    const text = incoming.text();
    await new Promise(setImmediate);
    pass(40);
    assertNoExit();
    outgoing.end('first');
    assert.equal(await text, 'first');
    assert.ok((await exit()).d >= 40_000);
  });

  it('lasts to its end if a slow target holds up its body', async () => {
    const { incoming, outgoing } = await begin();
    incoming.on('data', () => {});
    await send(outgoing, () => once(incoming, 'data'));
    incoming.pause();
    pass(30);
    assertNoExit();
    incoming.resume();
    outgoing.end();
    assert.ok((await exit()).d >= 30_000);
  });

  it('ends with the head of its response if nobody reads that within 10 seconds', async () => {
    const { outgoing } = await begin();
    pass(9);
    assertNoExit();
    pass(2);
    const { d, ec, data } = await exit();
    assert.ok(d < 5000, `${d}`);
    assert.deepEqual([ec, data.http?.status, data.http?.error], [0, 200, undefined]);
    outgoing.end();
  });

  it('ends with the head of its response if the application only pauses that', async () => {
    const { incoming, outgoing } = await begin();
    incoming.pause();
    pass(11);
    assert.ok((await exit()).d < 5000);
    outgoing.end();
  });

  it('by fetch ends with the head of its response if nobody reads that, although bytes arrive', async () => {
    const { incoming, outgoing } = await beginFetch();
    for (let second = 0; second < 11; second++) {
      outgoing.write('piece');
      await sleep(5);
      pass(1);
    }
    const { d, data } = await exit();
    assert.ok(d < 5000, `${d}`);
    assert.deepEqual([data.http?.status, data.http?.error], [200, undefined]);
    await incoming.body?.cancel();
  });

  it('by fetch ends with the head of its response if only a decoder reads that', async () => {
    const { incoming, outgoing } = await beginFetch({}, { 'content-encoding': 'gzip' });
    pass(11);
    assert.ok((await exit()).d < 5000);
    await incoming.body?.cancel();
    outgoing.destroy();
  });

  it('by fetch lasts to its end if the application reads what a decoder makes of it', async () => {
    const { incoming, outgoing } = await beginFetch({}, { 'content-encoding': 'gzip' });
    const text = incoming.text();
    await new Promise(setImmediate);
    pass(30);
    assertNoExit();
    const { gzipSync } = await import('node:zlib');
    outgoing.end(gzipSync('whole'));
    assert.equal(await text, 'whole');
    assert.ok((await exit()).d >= 30_000);
  });

  it('by fetch lasts until the application aborts the body that it reads', async () => {
    const controller = new AbortController();
    const { incoming } = await beginFetch({ signal: controller.signal });
    const text = incoming.text();
    await new Promise(setImmediate);
    pass(20);
    controller.abort();
    await assert.rejects(text);
    const { d, ec } = await exit();
    assert.ok(d >= 20_000, `${d}`);
    assert.equal(ec, 0);
  });

  it('lasts until the application destroys the response that it reads', async () => {
    const { incoming } = await begin();
    incoming.resume();
    pass(20);
    incoming.destroy();
    const { d, data } = await exit();
    assert.ok(d >= 20_000, `${d}`);
    assert.equal(data.http?.error, 'Request aborted');
  });

  it('is unfinished if its reader gets no byte for as long as is configured', async () => {
    const { incoming, outgoing } = await begin();
    incoming.on('data', () => {});
    pass(5);
    await send(outgoing, () => once(incoming, 'data'));
    pass(59);
    assertNoExit();
    pass(2);
    const { d, data } = await exit();
    assert.ok(d >= 64_000 && d < 70_000, `${d}`);
    assert.match(data.http?.error ?? '', /^Unfinished: nothing sent or received for 60 s$/);
    outgoing.destroy();
  });

  it('that uploads a large body lasts to its response', async () => {
    const request = inRequest(() => http.request(peer.url, { method: 'POST', agent: false }));
    request.write('piece');
    const [incoming, outgoing] = await peer.next();
    for (let piece = 0; piece < 4; piece++) {
      request.write('piece');
      await once(incoming, 'data');
      pass(30);
    }
    assertNoExit();
    request.end();
    outgoing.end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    const { d, data } = await exit();
    assert.ok(d >= 120_000, `${d}`);
    assert.equal(data.http?.status, 200);
  });

  it('without any response is unfinished after as long as is configured', async () => {
    const request = inRequest(() => http.get(peer.url, { agent: false }));
    request.on('error', () => {});
    await peer.next();
    pass(59);
    assertNoExit();
    pass(3);
    const { d, data } = await exit();
    assert.ok(d >= 60_000 && d < 65_000, `${d}`);
    assert.match(data.http?.error ?? '', /^Unfinished: /);
    request.destroy();
  });

  it('of a client is alive while its response is written', async () => {
    const client = http.get(peer.url, { agent: false });
    const [, outgoing] = await peer.next();
    outgoing.flushHeaders();
    const [incoming] = (await once(client, 'response')) as [http.IncomingMessage];
    for (let event = 0; event < 20; event++) {
      await send(outgoing, () => once(incoming, 'data'));
      pass(15);
    }
    assert.deepEqual(box.spans(), []);
    outgoing.end();
    const found: WireSpan[] = [];
    await becomesTrue(() => found.push(...box.spans()) > 0, 2000);
    assert.deepEqual([found.length, found[0]?.k, found[0]?.data.http?.error], [1, 1, undefined]);
    assert.ok((found[0]?.d ?? 0) >= 300_000);
  });

  it('of a client is alive while its body arrives', async () => {
    const client = http.request(peer.url, { method: 'POST', agent: false });
    client.write('piece');
    const [incoming, outgoing] = await peer.next();
    incoming.on('data', () => {});
    for (let piece = 0; piece < 4; piece++) {
      client.write('piece');
      await once(incoming, 'data');
      pass(30);
    }
    assert.deepEqual(box.spans(), []);
    client.end();
    outgoing.end();
    const found: WireSpan[] = [];
    await becomesTrue(() => found.push(...box.spans()) > 0, 2000);
    assert.deepEqual([found[0]?.k, found[0]?.data.http?.error], [1, undefined]);
    client.destroy();
  });

  it('of a client that gets no byte is unfinished after as long as is configured', async () => {
    const client = http.get(peer.url, { agent: false });
    client.on('error', () => {});
    await peer.next();
    pass(62);
    const [span] = box.spans();
    assert.equal(span?.k, 1);
    assert.match(span?.data.http?.error ?? '', /^Unfinished: no end of the response after 60 s$/);
    client.destroy();
  });

  it('is not held by its span once that has ended', async () => {
    const { incoming, outgoing } = await begin();
    const open: SpanRecord[] = [];
    box.recorder.expire(0, (span) => open.push(span));
    const [span] = open.filter(({ kind }) => kind === 2);
    const http = span?.http ?? assert.fail();
    assert.notEqual(http.transfer, null);
    incoming.resume();
    outgoing.end();
    await once(incoming, 'close');
    await becomesTrue(() => span?.isFinished === true, 2000);
    assert.equal(http.transfer, null);
  });
});
