// From start to the first delivery, and what is said on the way.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import test from 'node:test';
import { waitUntil } from '../../support/agent/wait-until.js';
import { FakeAgent, hang, reply } from './fake-agent.js';
import { FakeTimers, isReady, makeAgent } from './support.js';

test('looks up, announces, checks readiness, sends metrics and spans, in this order', async (t) => {
  const server = await new FakeAgent().listen();
  const { agent, spans, errors, lines, answers, metrics } = makeAgent(server.port);
  t.after(() => agent.stop());
  t.after(() => server.close());
  spans.add(3);
  assert.equal(agent.status().state, 'off');
  agent.start();
  agent.start();
  assert.equal(agent.status().state, 'looking-up');
  await waitUntil(() => server.spans.length === 3 && server.of('counters').length > 0, 'spans and counters have come');
  const order = server.received.map(({ kind }) => kind);
  assert.deepEqual(order.slice(0, 3), ['lookup', 'announce', 'ready']);
  assert.equal(server.of('announce').length, 1);
  assert.deepEqual(server.spans, [1, 2, 3]);
  assert.deepEqual(spans.entities, ['4242']);
  assert.ok(isReady(agent));
  const { host, port, uuid, pid } = agent.status();
  assert.deepEqual(
    { host, port, uuid, pid },
    { host: '127.0.0.1', port: server.port, uuid: server.answer['agentUuid'], pid: 4242 },
  );
  assert.equal(answers.length, 1);
  assert.ok(metrics.isRunning);
  assert.deepEqual(lines, [`info: Instana agent found at 127.0.0.1:${server.port}, reporting as process 4242`]);
  assert.deepEqual(errors.counts(), {});
  assert.ok(server.mostSockets <= 2, 'one for the spans, one for all else');
});

test('every request has the headers of the protocol and is never chunked', async (t) => {
  const server = await new FakeAgent().listen();
  const { agent, spans } = makeAgent(server.port);
  t.after(() => agent.stop());
  t.after(() => server.close());
  spans.add(1);
  agent.start();
  await waitUntil(() => server.spans.length === 1 && server.of('counters').length > 0, 'spans and counters have come');
  for (const { method, headers, text, path } of server.received) {
    assert.equal(headers['transfer-encoding'], undefined, path);
    assert.equal(headers.connection, 'keep-alive', path);
    assert.equal(headers.host, `127.0.0.1:${server.port}`, path);
    assert.equal(headers['accept-encoding'], undefined, path);
    if (method !== 'PUT' && method !== 'POST') continue;
    assert.equal(headers['content-type'], 'application/json; charset=UTF-8', path);
    assert.equal(headers['content-length'], String(Buffer.byteLength(text)), path);
  }
});

test('one line when no agent has been found for ten seconds, nothing repeated', async (t) => {
  const timers = new FakeTimers();
  const { agent, lines } = makeAgent(1, { timers });
  t.after(() => agent.stop());
  agent.start();
  for (let step = 0; step < 60; step++) {
    await waitUntil(() => timers.pending >= (lines.length === 0 ? 2 : 1), 'something is waited for');
    timers.next();
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  assert.ok(timers.now() > 60_000);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0] ?? '', /^warn: no Instana agent at 127\.0\.0\.1:1 \(ECONNREFUSED\)/);
});

test('runs its requests in the asynchronous context of start, whoever asks for them', async (t) => {
  const scope = new AsyncLocalStorage<string>();
  const server = await new FakeAgent().listen();
  const seen: (string | undefined)[] = [];
  const { agent, spans } = makeAgent(server.port);
  const take = spans.take.bind(spans);
  spans.take = (entity, host) => {
    seen.push(scope.getStore());
    return take(entity, host);
  };
  t.after(() => agent.stop());
  t.after(() => server.close());
  scope.run('sensor', () => agent.start());
  await waitUntil(() => isReady(agent), 'the agent is ready');
  spans.add(1);
  await scope.run('request', () => agent.flush(5000));
  spans.add(1);
  scope.run('request', () => agent.requestFlush());
  await waitUntil(() => server.spans.length === 2, 'both have come');
  assert.deepEqual([...new Set(seen)], ['sensor']);
});

test('looks up again where configure says', async (t) => {
  const first = await new FakeAgent().listen();
  const second = await new FakeAgent().listen();
  second.answer = { pid: 77, agentUuid: 'other' };
  const fixture = makeAgent(first.port);
  const { agent, spans } = fixture;
  t.after(() => agent.stop());
  t.after(() => Promise.all([first.close(), second.close()]));
  agent.start();
  await waitUntil(() => isReady(agent), 'the first is found');
  first.on('traces', hang);
  spans.add(5);
  agent.requestFlush();
  await waitUntil(() => first.of('traces').length === 1, 'spans are in flight');
  fixture.port = second.port;
  agent.reconnect();
  await waitUntil(() => second.spans.length === 5, 'the second has the spans');
  assert.equal(agent.status().pid, 77);
  assert.equal(spans.entities.at(-1), '77');
});

test('stop closes every socket and gives back what is in flight', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  server.on('traces', hang);
  const { agent, spans, metrics } = makeAgent(server.port);
  spans.add(2);
  agent.start();
  await waitUntil(() => server.of('traces').length === 1, 'spans are in flight');
  agent.stop();
  assert.deepEqual(spans.queue, [1, 2]);
  assert.equal(agent.status().state, 'off');
  assert.equal(metrics.isRunning, false);
  await waitUntil(() => server.sockets.size === 0, 'no socket is open');
  await agent.flush(1000);
});

test('flush waits for the delivery of what waits', async (t) => {
  const server = await new FakeAgent().listen();
  const { agent, spans } = makeAgent(server.port, { deadlineMs: 5000 });
  t.after(() => agent.stop());
  t.after(() => server.close());
  spans.batch = 10;
  spans.add(35);
  agent.start();
  await agent.flush(5000);
  assert.equal(server.spans.length, 35);
  server.on('traces', (response, received) => setTimeout(() => server.usual(response, received), 200));
  spans.add(1);
  await agent.flush(5000);
  assert.equal(server.spans.length, 36);
});

test('flush ends at its time with a hanging agent, and at once with none or with nothing to send', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const hanging = makeAgent(server.port, { deadlineMs: 60_000 });
  t.after(() => hanging.agent.stop());
  server.on('traces', hang);
  await hanging.agent.flush(60_000); // off
  hanging.agent.start();
  await hanging.agent.flush(60_000); // nothing waits
  hanging.spans.add(1);
  await hanging.agent.flush(100);
  const absent = makeAgent(1);
  t.after(() => absent.agent.stop());
  absent.spans.add(1);
  absent.agent.start();
  await absent.agent.flush(60_000);
  await absent.agent.flush(60_000);
  assert.equal(absent.spans.queue.length, 1);
});

test('a found-again line after a loss, not more than one a minute', async (t) => {
  const server = await new FakeAgent().listen();
  const { agent, lines } = makeAgent(server.port, {}, { INSTANA_METRICS_TRANSMISSION_DELAY: '100' });
  t.after(() => agent.stop());
  t.after(() => server.close());
  agent.start();
  for (let round = 1; round <= 3; round++) {
    await waitUntil(() => server.of('announce').length === round && isReady(agent), 'it has announced');
    server.forget();
  }
  await waitUntil(() => server.of('announce').length > 3 && isReady(agent), 'it is ready again');
  assert.equal(lines.length, 1, lines.join('\n'));
});

test('a worker thread sends spans, but neither metrics nor counters', async (t) => {
  const server = await new FakeAgent().listen();
  const { agent, spans, lines } = makeAgent(server.port, { isMainThread: false, metrics: null });
  t.after(() => agent.stop());
  t.after(() => server.close());
  agent.start();
  spans.add(1);
  await waitUntil(() => server.spans.length === 1, 'spans have come');
  server.forget();
  spans.add(1);
  await waitUntil(() => server.spans.length === 2, 'they have come after another announce');
  assert.equal(server.of('announce').length, 2);
  assert.equal(server.of('metrics').length + server.of('counters').length, 0);
  assert.deepEqual(lines, []);
});

test('without a meter the agent is still told that the process lives', async (t) => {
  const server = await new FakeAgent().listen();
  const { agent } = makeAgent(server.port, { metrics: null }, { INSTANA_METRICS_TRANSMISSION_DELAY: '100' });
  t.after(() => agent.stop());
  t.after(() => server.close());
  agent.start();
  await waitUntil(() => server.of('metrics').length >= 2, 'two reports of metrics');
  assert.deepEqual(
    server
      .of('metrics')
      .slice(0, 2)
      .map(({ text }) => text),
    ['{"pid":4242}', '{}'],
  );
});

test('an agent on the gateway is found only when no host is configured', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  server.on('lookup', reply(200, {}));
  const { agent } = makeAgent(server.port);
  t.after(() => agent.stop());
  agent.start();
  await waitUntil(() => server.of('lookup').length > 0, 'it has looked');
  assert.equal(
    server.received.every(({ kind }) => kind === 'lookup'),
    true,
  );
});

test('a fault in what the sensor does with the announce answer costs nothing but that', async (t) => {
  const server = await new FakeAgent().listen();
  const { agent, spans, errors } = makeAgent(server.port, {
    onAnnounced: () => {
      throw new Error('broken');
    },
  });
  t.after(() => agent.stop());
  t.after(() => server.close());
  spans.add(1);
  agent.start();
  await waitUntil(() => server.spans.length === 1, 'spans have come');
  assert.deepEqual(errors.counts(), { 'announce answer': 1 });
});
