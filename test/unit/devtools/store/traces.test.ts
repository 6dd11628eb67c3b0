// The bounded store of traces.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServiceNames, TraceStore } from '../../../../src/devtools/store/traces.js';
import { TestAgent } from '../../../support/agent/test-agent.js';
import { ask, idOf, sendSpans, wireSpan } from '../support.js';

const names: ServiceNames = { version: 0, serviceName: (pid) => `pid ${pid}` };

function ids(store: TraceStore): number[] {
  return store.list({ limit: 1000 }).map(({ traceId }) => Number.parseInt(traceId, 16));
}

function spanOf(trace: number, span: number): unknown {
  return wireSpan({ t: idOf(trace), s: idOf(span), ts: trace });
}

test('lets the oldest traces go first, whole', () => {
  const store = new TraceStore(names, 4, 1e9);
  for (const trace of [1, 2, 3]) store.add([spanOf(trace, trace * 10), spanOf(trace, trace * 10 + 1)], 1, 100);
  assert.deepEqual(ids(store), [3, 2]);
  assert.deepEqual(store.counts, { received: 6, stored: 4, evicted: 2 });
});

test('keeps within its bytes as well', () => {
  const store = new TraceStore(names, 1000, 250);
  for (const trace of [1, 2, 3]) store.add([spanOf(trace, trace)], 1, 100);
  assert.deepEqual(ids(store), [3, 2]);
  assert.equal(store.bytes, 200);
  store.add([spanOf(9, 9)], 1, 5000);
  assert.deepEqual(ids(store), [3, 2]);
});

test('does not let one endless trace push out itself', () => {
  const store = new TraceStore(names, 10, 1e9);
  for (let span = 1; span <= 25; span++) store.add([spanOf(1, span)], 1, 100);
  assert.deepEqual(store.counts, { received: 25, stored: 10, evicted: 15 });
  assert.deepEqual(ids(store), [1]);
});

test('keeps counts right over many times its size', () => {
  const store = new TraceStore(names, 100, 1e9);
  for (let trace = 1; trace <= 5000; trace++) store.add([spanOf(trace, trace)], 1, 100);
  assert.deepEqual(store.counts, { received: 5000, stored: 100, evicted: 4900 });
  assert.equal(store.find(idOf(4900)), null);
  assert.equal(store.find(idOf(4901))?.spans.length, 1);
  assert.equal(store.bytes, 10_000);
});

test('takes wrong kinds inside spans, rings of parents and absurd durations', () => {
  const store = new TraceStore(names, 100, 1e9);
  const wrong = { http: 7, sdk: [], service: { a: 1 } };
  store.add(
    [wireSpan({ s: idOf(1), p: idOf(2), data: wrong }), wireSpan({ s: idOf(2), p: idOf(1), d: 8e15, data: wrong })],
    1,
    100,
  );
  const [summary] = store.list({ q: 'server' });
  assert.equal(summary?.name, 'node.http.server');
  assert.equal(summary?.service, 'pid 4711');
});

test('stores all of 20,000 spans that come in batches over sockets, with the store at its bound', {
  timeout: 60_000,
}, async () => {
  const agent = await TestAgent.start({ maxSpans: 5000 });
  for (let batch = 0; batch < 40; batch++) {
    const spans = Array.from({ length: 500 }, (_, index) => {
      const number = batch * 500 + index + 1;
      return wireSpan({
        t: idOf(Math.ceil(number / 5)),
        s: idOf(number),
        http: { method: 'GET', url: '/x', status: 200 },
      });
    });
    assert.equal((await sendSpans(agent, 1, spans)).status, 200);
  }
  const { json } = await ask(agent, 'GET', '/api/stats');
  assert.deepEqual((json as { spans: unknown }).spans, { received: 20_000, stored: 5000, evicted: 15_000 });
  assert.equal(agent.spans().at(-1)?.s, idOf(20_000));
  await agent.close();
});
