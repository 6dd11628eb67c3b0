// Spans and an agent that misbehaves: none is lost, none comes twice.

import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { waitUntil } from '../../support/agent/wait-until.js';
import { FakeAgent, type Handler, hang, reply, reset } from './fake-agent.js';
import { type Fixture, isReady, makeAgent } from './support.js';

/** Ready, with nothing waiting. */
async function connected(t: TestContext): Promise<Fixture & { server: FakeAgent }> {
  const server = await new FakeAgent().listen();
  const fixture = makeAgent(server.port);
  t.after(() => fixture.agent.stop());
  t.after(() => server.close());
  fixture.agent.start();
  await waitUntil(() => isReady(fixture.agent), 'the agent is ready');
  return { ...fixture, server };
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** Sends some spans under the fault, ends it, sends more; each must have come exactly once. */
async function survives(t: TestContext, fault: Handler, attempts = 1): Promise<Fixture & { server: FakeAgent }> {
  const fixture = await connected(t);
  const { agent, spans, server, errors } = fixture;
  server.on('traces', fault);
  spans.add(10);
  agent.requestFlush();
  await waitUntil(() => server.of('traces').length >= attempts, 'the fault was met');
  spans.add(10);
  server.on('traces');
  await waitUntil(() => server.spans.length >= 20, 'all have come');
  assert.deepEqual(server.spans, upTo(20));
  assert.deepEqual(errors.counts(), {});
  return fixture;
}

test('resends after an agent that accepts and never answers', async (t) => {
  await survives(t, hang);
});

test('resends after a reset connection', async (t) => {
  await survives(t, reset);
});

test('resends after a connection that is closed without an answer', async (t) => {
  await survives(t, (response) => void response.socket?.end());
});

test('resends after status 500, with growing pauses', async (t) => {
  const { server } = await survives(t, reply(500), 3);
  const [first, second, third] = server.of('traces').map(({ atMs }) => atMs);
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  assert.ok(second - first >= 950 && third - second >= 1950);
});

test('leaves the agent alone as long as Retry-After says', async (t) => {
  const { server } = await survives(t, reply(429, '', { 'Retry-After': '2' }), 1);
  const [first, second] = server.of('traces').map(({ atMs }) => atMs);
  assert.ok(first !== undefined && second !== undefined && second - first >= 1950);
});

test('counts spans as delivered when the answer breaks off after a good status', async (t) => {
  const { agent, spans, server } = await connected(t);
  server.on('traces', (response, received) => {
    server.spans.push(...(JSON.parse(received.text) as { s: number }[]).map(({ s }) => s));
    response.writeHead(200, { 'Content-Length': '1000' });
    response.write('short');
    setTimeout(() => response.socket?.end(), 20);
  });
  spans.add(5);
  agent.requestFlush();
  await waitUntil(() => server.spans.length === 5, 'they have come');
  spans.add(5);
  await waitUntil(() => server.spans.length === 10, 'the next have come');
  assert.deepEqual(server.spans, upTo(10));
});

test('cuts off an answer that never ends and does not send its spans again', async (t) => {
  const { agent, spans, server } = await connected(t);
  server.on('traces', (response, received) => {
    server.spans.push(...(JSON.parse(received.text) as { s: number }[]).map(({ s }) => s));
    response.writeHead(200);
    const drip = setInterval(() => response.write(' '), 50);
    response.on('close', () => clearInterval(drip));
  });
  spans.add(5);
  agent.requestFlush();
  await waitUntil(() => server.spans.length === 5, 'they have come');
  spans.add(5);
  await waitUntil(() => server.spans.length === 10, 'the next have come');
  assert.deepEqual(server.spans, upTo(10));
});

test('delivered is delivered, whatever the body is', async (t) => {
  const { agent, spans, server } = await connected(t);
  const bodies = ['<html>', '', '\0\0', '{', 'null'];
  for (const body of bodies) {
    server.on('traces', (response, received) => {
      server.spans.push(...(JSON.parse(received.text) as { s: number }[]).map(({ s }) => s));
      reply(200, body)(response, received, response.req);
    });
    spans.add(1);
    agent.requestFlush();
    await waitUntil(() => spans.queue.length === 0 && server.spans.length === bodies.indexOf(body) + 1, 'it has come');
  }
  assert.deepEqual(server.spans, upTo(bodies.length));
});

test('halves what is too large and drops only a span that alone is too large', async (t) => {
  const { agent, spans, server } = await connected(t);
  server.on('traces', (response, received) => {
    const ids = (JSON.parse(received.text) as { s: number }[]).map(({ s }) => s);
    if (ids.length > 4 || ids.includes(7)) return reply(413)(response, received, response.req);
    server.usual(response, received);
  });
  spans.add(16);
  agent.requestFlush();
  await waitUntil(() => server.spans.length === 15, 'all but one have come');
  assert.deepEqual(spans.dropped, [7]);
  assert.deepEqual(
    server.spans,
    upTo(16).filter((id) => id !== 7),
  );
});

test('announces again at once when the agent does not know the pid any more, and resends', async (t) => {
  const { agent, spans, server } = await connected(t);
  spans.add(1);
  await agent.flush(5000);
  server.forget();
  server.answer = { pid: 5555, agentUuid: 'restarted' };
  spans.add(20);
  agent.requestFlush();
  await waitUntil(() => server.spans.length === 21, 'all have come');
  assert.deepEqual(server.spans, upTo(21));
  assert.equal(spans.entities.at(-1), '5555');
  assert.equal(server.of('announce').length, 2);
  assert.equal(server.of('traces').at(-1)?.path, '/com.instana.plugin.nodejs/traces.5555');
});

test('keeps spans while the agent is away and delivers them when it is back', async (t) => {
  const { agent, spans, server } = await connected(t);
  const { port } = server;
  await server.close();
  spans.add(50);
  agent.requestFlush();
  await waitUntil(() => !isReady(agent), 'the loss is noticed');
  const again = await new FakeAgent().listen(port);
  t.after(() => again.close());
  await waitUntil(() => again.spans.length === 50, 'all have come');
  assert.deepEqual(again.spans, upTo(50));
});

test('a kept-alive socket that is closed just as it is reused costs nothing', async (t) => {
  const { agent, spans, server } = await connected(t);
  spans.add(1);
  await agent.flush(5000);
  for (const socket of server.sockets) {
    // The next bytes on this socket meet a connection that has just been closed.
    socket.removeAllListeners('data');
    socket.once('data', () => socket.resetAndDestroy());
    socket.resume();
  }
  spans.add(1);
  const announces = server.of('announce').length;
  await agent.flush(5000);
  await waitUntil(() => server.of('metrics').length >= 3, 'metrics go on');
  assert.deepEqual(server.spans, [1, 2]);
  assert.equal(server.of('announce').length, announces);
});

test('a slow agent has two requests at most, and no queue of them', async (t) => {
  const { agent, spans, server } = await connected(t);
  const slow: Handler = (response, received) => void setTimeout(() => server.usual(response, received), 300);
  await waitUntil(() => server.of('counters').length > 0, 'the socket of the announce is gone');
  server.mostSockets = 0;
  for (const kind of ['traces', 'metrics', 'counters', 'ready'] as const) server.on(kind, slow);
  for (let round = 0; round < 20; round++) {
    spans.add(5);
    agent.requestFlush();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await waitUntil(() => server.spans.length === 100, 'all have come');
  assert.ok(server.sockets.size <= 2 && server.mostSockets <= 2);
});

test('follows no redirect', async (t) => {
  const elsewhere = await new FakeAgent().listen();
  t.after(() => elsewhere.close());
  const target = { Location: `http://127.0.0.1:${elsewhere.port}/` };
  await survives(t, (response, received) => reply(307, '', target)(response, received, response.req));
  for (const kind of ['lookup', 'announce', 'ready', 'metrics', 'traces'] as const) {
    const server = await new FakeAgent().listen();
    server.on(kind, reply(302, '', target));
    const { agent, spans } = makeAgent(server.port);
    spans.add(1);
    agent.start();
    await waitUntil(() => server.of(kind).length > 0, 'the redirect was met');
    agent.stop();
    await server.close();
  }
  assert.equal(elsewhere.received.length, 0);
});

test('at a high rate, and after an outage, there are not more than ten requests a second', async (t) => {
  const { agent, spans, server } = await connected(t);
  spans.batch = 500;
  spans.add(5000);
  for (let round = 0; round < 20; round++) {
    spans.add(500);
    agent.requestFlush();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const times = server.received.map(({ atMs }) => atMs);
  const start = server.of('traces')[0]?.atMs ?? 0;
  assert.ok(times.filter((atMs) => atMs >= start && atMs < start + 1000).length <= 10);
  await waitUntil(() => server.spans.length === 15_000, 'all have come');
});
