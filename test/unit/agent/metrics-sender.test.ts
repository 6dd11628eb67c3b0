// Metrics: full, then what changed; what the agent asks; and what happens to spans when metrics fail.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { waitUntil } from '../../support/agent/wait-until.js';
import { FakeAgent, type Handler, hang, reply } from './fake-agent.js';
import { type Fixture, isReady, makeAgent } from './support.js';

const quick = { INSTANA_METRICS_TRANSMISSION_DELAY: '100' };
const exchange = JSON.parse(readFileSync(join(__dirname, '../../../../test/vectors/agent-exchange.json'), 'utf8')) as {
  requests: unknown[];
  responses: { path: string; body: Record<string, unknown> }[];
  counters: unknown;
};

async function prepared(t: TestContext): Promise<Fixture & { server: FakeAgent }> {
  const server = await new FakeAgent().listen();
  const fixture = makeAgent(server.port, {}, quick);
  t.after(() => fixture.agent.stop());
  t.after(() => server.close());
  return { ...fixture, server };
}

function bodies(server: FakeAgent): unknown[] {
  return server.of('metrics').map(({ text }) => JSON.parse(text));
}

test('sends all, then what changed, and all again when a member is gone', async (t) => {
  const { agent, metrics, server } = await prepared(t);
  metrics.members = { a: 1, b: { x: 1, y: 1 } };
  agent.start();
  await waitUntil(() => server.of('metrics').length === 1, 'the first has come');
  metrics.members = { a: 1, b: { x: 2, y: 1 } };
  await waitUntil(() => server.of('metrics').length === 2, 'the second has come');
  metrics.members = { a: 1, b: { x: 2 } };
  await waitUntil(() => server.of('metrics').length === 3, 'the third has come');
  assert.deepEqual(bodies(server).slice(0, 3), [
    { pid: 4242, a: 1, b: { x: 1, y: 1 } },
    { b: { x: 2 } },
    { pid: 4242, a: 1, b: { x: 2 } },
  ]);
});

test('sends all again after more than 300 deltas', async (t) => {
  const server = await new FakeAgent().listen();
  const fixture = makeAgent(server.port, {
    timers: {
      // A second is a millisecond here.
      setTimeout: (callback, delayMs) => setTimeout(callback, delayMs / 1000),
      clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
      now: () => performance.now() * 1000,
    },
  });
  t.after(() => fixture.agent.stop());
  t.after(() => server.close());
  fixture.agent.start();
  await waitUntil(() => server.of('metrics').length >= 605, 'the third full payload has come');
  const full = server.of('metrics').flatMap(({ text }, index) => (text === '{}' ? [] : [index]));
  assert.deepEqual(full.slice(0, 3), [0, 302, 604]);
});

test('announces at once when metrics are refused, and begins with all', async (t) => {
  const { agent, server } = await prepared(t);
  agent.start();
  await waitUntil(() => server.of('metrics').length >= 2, 'a delta has come');
  server.forget();
  await waitUntil(() => server.of('announce').length === 2 && isReady(agent), 'it has announced again');
  await waitUntil(
    () => server.received.at(-1)?.kind === 'metrics' || server.of('metrics').length > 3,
    'metrics come again',
  );
  const announced = server.received.findLastIndex(({ kind }) => kind === 'announce');
  const after = server.received.slice(announced);
  assert.deepEqual(
    after.slice(0, 2).map(({ kind }) => kind),
    ['announce', 'ready'],
  );
  assert.equal(after.find(({ kind }) => kind === 'metrics')?.text, '{"pid":4242}');
});

const faults: Record<string, Handler> = {
  hang,
  'status 500': reply(500),
  'status 404': reply(404),
  garbage: (response) => void response.socket?.end('garbage'),
};
for (const [name, fault] of Object.entries(faults)) {
  test(`spans go on being sent while metrics meet: ${name}`, async (t) => {
    const { agent, spans, server } = await prepared(t);
    server.on('metrics', fault);
    agent.start();
    let added = 0;
    await waitUntil(() => {
      if (spans.queue.length === 0 && added < 40) spans.add(1);
      if (spans.queue.length > 0) added += 1;
      return server.of('announce').length >= 3 && server.spans.length >= 2;
    }, 'spans came over several announces');
    server.on('metrics');
    await waitUntil(() => spans.queue.length === 0, 'none waits');
    await agent.flush(5000);
    assert.deepEqual(
      server.spans,
      server.spans.map((_, index) => index + 1),
    );
    const [first, second, third, fourth] = server.of('announce').map(({ atMs }) => atMs);
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    assert.ok((fourth ?? third + 1000) - second >= 700, 'announces in a row are not sent without a pause');
  });
}

test('answers what the agent asks as the recordings have it, but names the action it does not know', async (t) => {
  const { agent, server } = await prepared(t);
  let isAsked = false;
  server.answer = { pid: 12345, agentUuid: 'x' };
  server.on('metrics', (response, received) => {
    if (isAsked) return server.usual(response, received);
    isAsked = true;
    response.end(JSON.stringify(exchange.requests));
  });
  agent.start();
  await waitUntil(() => server.of('response').length === 3, 'all are answered');
  const answers = server
    .of('response')
    .map(({ path, text }) => ({ path, body: JSON.parse(text) as Record<string, unknown> }));
  assert.deepEqual(
    answers.map(({ path }) => path),
    exchange.responses.map(({ path }) => path),
  );
  assert.deepEqual(answers[0]?.body, exchange.responses[0]?.body);
  assert.deepEqual(answers[1]?.body, { error: "Don't know how to handle action: does.not.exist." });
  const recorded = exchange.responses[2]?.body['data'] as Record<string, unknown>;
  assert.deepEqual(Object.keys(answers[2]?.body['data'] as object), Object.keys(recorded));
});

test('ignores malformed questions, and opens no file for well-formed ones', async (t) => {
  const { agent, server, errors: own } = await prepared(t);
  const answers = [
    {},
    null,
    'text',
    [
      null,
      7,
      { action: '__proto__' },
      { action: 'node.source', args: { file: '/etc/passwd' } },
      { action: 'x', messageId: 7 },
    ],
    [{ action: 'node.source', messageId: '\ud800', args: {} }],
    [{ action: 'node.source', messageId: 'm', args: { file: '/etc/passwd' } }],
  ];
  let next = 0;
  server.on('metrics', (response) => void response.end(JSON.stringify(answers[next++] ?? [])));
  agent.start();
  await waitUntil(() => next > answers.length, 'all were given');
  assert.deepEqual(
    server.of('response').map(({ text }) => text),
    ['{"error":"Functionality disabled."}'],
  );
  assert.deepEqual(own.counts(), {});
  assert.equal(server.of('announce').length, 1);
});

test('counters are sent as recorded, add up while they cannot be sent, and stop with 404', async (t) => {
  const { agent, server, spans } = await prepared(t);
  server.answer = { pid: 12345, agentUuid: 'x' };
  agent.start();
  await waitUntil(() => server.of('counters').length === 1, 'they have come');
  assert.deepEqual(JSON.parse(server.of('counters')[0]?.text ?? ''), exchange.counters);
  server.on('counters', reply(500));
  spans.counters = { opened: 3, closed: 2, dropped: 1 };
  await waitUntil(() => server.of('counters').length >= 3, 'they were refused');
  spans.counters = { opened: 1, closed: 1, dropped: 1 };
  server.on('counters');
  const before = server.of('counters').length;
  await waitUntil(() => server.of('counters').length > before, 'they have come');
  assert.deepEqual(JSON.parse(server.of('counters').at(-1)?.text ?? ''), {
    pid: 12345,
    metrics: { opened: 4, closed: 3, dropped: 2 },
  });
  const known = server.of('counters').length;
  const metricsSince = server.of('metrics').length;
  await waitUntil(() => server.of('metrics').length > metricsSince + 3, 'metrics go on');
  assert.equal(server.of('counters').length, known, 'counters of an idle process are not repeated');
  spans.counters = { opened: 1, closed: 0, dropped: 0 };
  server.on('counters', reply(404));
  const then = server.of('counters').length;
  await waitUntil(() => server.of('counters').length > then, 'they were refused for good');
  const metricsThen = server.of('metrics').length;
  await waitUntil(() => server.of('metrics').length > metricsThen + 5, 'metrics go on');
  assert.equal(server.of('counters').length, then + 1);
});

test('a meter that throws costs its metrics, not the connection', async (t) => {
  const { agent, server, metrics, spans, errors: own } = await prepared(t);
  metrics.read = () => {
    throw new Error('broken');
  };
  agent.start();
  spans.add(1);
  await waitUntil(() => server.spans.length === 1 && server.of('metrics').length >= 2, 'spans and some metrics come');
  assert.deepEqual(bodies(server)[0], { pid: 4242 });
  assert.equal((own.counts()['metrics'] ?? 0) >= 2, true);
});
