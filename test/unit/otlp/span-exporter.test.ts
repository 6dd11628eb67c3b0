// The exporter of spans against a receiver that is well, slow, busy, strict or gone; time runs twenty times as fast.

import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { systemClock, type Timers } from '../../../src/core/clock.js';
import { SpanExporter } from '../../../src/otlp/span-exporter.js';
import type { QueueCounters, SpanQueue } from '../../../src/spans/span-queue.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { acceptAll, answerWith, OtlpReceiver, throughProtobuf } from '../../support/otlp.js';
import { Fixture } from '../spans/fixtures.js';

const speed = 20;
const fast: Timers = {
  setTimeout: (callback, delayMs) => systemClock.setTimeout(callback, delayMs / speed),
  clearTimeout: systemClock.clearTimeout,
  now: () => systemClock.now() * speed,
};

interface Sent {
  readonly resourceSpans: {
    readonly resource: {
      readonly attributes: { readonly key: string; readonly value: { readonly stringValue: string } }[];
    };
    readonly scopeSpans: {
      readonly scope: unknown;
      readonly spans: { readonly spanId: string; readonly name: string }[];
    }[];
  }[];
}

interface Setup extends Fixture {
  readonly traces: SpanExporter;
  readonly queue: SpanQueue;
  service: string | null;
  counters(): QueueCounters;
}

function setUp(t: TestContext, url: string | null, mode: true | 'both' = true): Setup {
  const fixture = new Fixture();
  fixture.recorder.useReceivers(mode);
  const queue = fixture.recorder.otlp;
  assert.ok(queue !== null);
  const setup: Setup = Object.assign(fixture, {
    queue,
    service: null as string | null,
    counters: () => queue.counters(),
    traces: new SpanExporter({
      log: fixture.log,
      errors: fixture.faults,
      spans: queue,
      sensorVersion: '1.2.3',
      serviceName: (): string | null => setup.service,
      timers: fast,
      random: () => 0,
    }),
  });
  setup.traces.use({ url, headers: {}, timeoutMs: 5000, intervalMs: 1000, isConfigured: true }, [
    { key: 'service.name', value: { stringValue: 'of the process' } },
  ]);
  setup.traces.start();
  t.after(() => setup.traces.stop());
  return setup;
}

async function receive(t: TestContext): Promise<OtlpReceiver> {
  const receiver = await new OtlpReceiver().listen();
  t.after(() => receiver.close());
  return receiver;
}

function urlOf({ port }: OtlpReceiver): string {
  return `http://127.0.0.1:${port}/v1/traces`;
}

function sentIds(receiver: OtlpReceiver): string[] {
  return (receiver.accepted('traces') as Sent[]).flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(({ spanId }) => spanId))),
  );
}

function finish(setup: Setup, count: number): string[] {
  return Array.from({ length: count }, (_, index) => setup.finished(`/${index}`).spanId);
}

test('sends what waits, in order, one request at a time over one connection', async (t) => {
  const receiver = await receive(t);
  let open = 0;
  let mostOpen = 0;
  receiver.handler = (response, text, path) => {
    mostOpen = Math.max(mostOpen, ++open);
    setTimeout(() => {
      open--;
      acceptAll(response, text, path);
    }, 20);
  };
  const bodies: string[] = [];
  const setup = setUp(t, urlOf(receiver));
  const ids = finish(setup, 2500);
  await waitUntil(() => setup.counters().sent === 2500, 'all are sent');
  for (const { text } of receiver.requests) bodies.push(text);
  assert.deepEqual(
    bodies.flatMap((text) => [...text.matchAll(/"spanId":"(\w+)"/g)].map(([, id]) => id)),
    ids,
  );
  assert.equal(mostOpen, 1);
  assert.equal(receiver.connections, 1);
  assert.equal(bodies.length, 3);
  assert.deepEqual(setup.faults.counts(), {});
});

test('groups spans by the service that they belong to, in documents that the official definitions know', async (t) => {
  const receiver = await receive(t);
  const setup = setUp(t, urlOf(receiver));
  finish(setup, 1);
  setup.queue.encodeSome();
  setup.service = 'Shop "1"\n';
  finish(setup, 2);
  await waitUntil(() => setup.counters().sent === 3, 'all are sent');
  const [document] = receiver.accepted('traces') as Sent[];
  assert.deepEqual(throughProtobuf('traces', document), document);
  assert.deepEqual(
    document?.resourceSpans.map(({ resource, scopeSpans }) => [
      resource.attributes[0]?.value.stringValue,
      scopeSpans[0]?.scope,
      scopeSpans[0]?.spans.length,
    ]),
    [
      ['of the process', { name: '@instana/ts-sensor', version: '1.2.3' }, 1],
      ['Shop "1"\n', { name: '@instana/ts-sensor', version: '1.2.3' }, 2],
    ],
  );
});

test('keeps spans while the receiver is busy or gone, and tries again later and later', async (t) => {
  const receiver = await receive(t);
  const { port } = receiver;
  receiver.handler = answerWith(503);
  const setup = setUp(t, urlOf(receiver));
  const ids = finish(setup, 3);
  await waitUntil(() => receiver.requests.length === 3, 'three attempts');
  const [one, two, three] = receiver.requests.map(({ atMs }) => atMs * speed);
  assert.ok((two ?? 0) - (one ?? 0) > 950, 'a second after the first');
  assert.ok((three ?? 0) - (two ?? 0) > 1900, 'two seconds after the second');
  assert.equal(setup.counters().waiting, 3);
  await receiver.close();
  const more = finish(setup, 2);
  await waitUntil(() => setup.lines.some((line) => line.includes('ECONNREFUSED')), 'the connection is refused');
  const again = await new OtlpReceiver().listen(port);
  t.after(() => again.close());
  await waitUntil(() => setup.counters().sent === 5, 'all are sent');
  assert.deepEqual(sentIds(again), [...ids, ...more]);
  assert.deepEqual(setup.counters().dropped, {});
});

test('leaves the receiver alone for as long as it asks', async (t) => {
  const receiver = await receive(t);
  receiver.handler = answerWith(429, {}, { 'Retry-After': '8' });
  const setup = setUp(t, urlOf(receiver));
  finish(setup, 1);
  await waitUntil(() => receiver.requests.length === 1, 'the first attempt');
  receiver.handler = acceptAll;
  await waitUntil(() => setup.counters().sent === 1, 'it is sent');
  const [one, two] = receiver.requests.map(({ atMs }) => atMs * speed);
  assert.ok((two ?? 0) - (one ?? 0) >= 7900, `${(two ?? 0) - (one ?? 0)}`);
});

test('counts what the receiver rejects, and does not send it again', async (t) => {
  const receiver = await receive(t);
  receiver.handler = answerWith(200, { partialSuccess: { rejectedSpans: '2', errorMessage: 'too old' } });
  const setup = setUp(t, urlOf(receiver));
  finish(setup, 5);
  await waitUntil(() => setup.counters().waiting === 0, 'they are settled');
  assert.deepEqual(setup.counters(), { sent: 3, waiting: 0, dropped: { rejected: 2 } });
  assert.ok(setup.lines.some((line) => line.includes('2 rejected, too old')));
  receiver.handler = answerWith(401);
  finish(setup, 4);
  await waitUntil(() => setup.counters().waiting === 0, 'they are settled');
  assert.deepEqual(setup.counters(), { sent: 3, waiting: 0, dropped: { rejected: 6 } });
  assert.ok(setup.lines.some((line) => line.includes('status 401')));
  assert.equal(receiver.requests.length, 2);
});

test('sends less at once to who finds it too much', async (t) => {
  const receiver = await receive(t);
  const accepted: number[] = [];
  receiver.handler = (response, text, path) => {
    const count = text.split('"spanId"').length - 1;
    if (count > 100) return answerWith(413)(response, text, path);
    accepted.push(count);
    acceptAll(response, text, path);
  };
  const setup = setUp(t, urlOf(receiver));
  const ids = finish(setup, 600);
  await waitUntil(() => setup.counters().sent === 600, 'all are sent');
  assert.deepEqual(sentIds(receiver), ids);
});

test('drops the oldest when too many wait, and counts them', async (t) => {
  const receiver = await receive(t);
  receiver.handler = () => {};
  const setup = setUp(t, urlOf(receiver));
  const ids = finish(setup, 6000);
  assert.deepEqual(setup.counters(), { sent: 0, waiting: 5000, dropped: { overflow: 1000 } });
  receiver.handler = acceptAll;
  await waitUntil(() => setup.counters().sent === 5000, 'the others are sent');
  assert.deepEqual(sentIds(receiver), ids.slice(1000));
});

test('a flush ends with the delivery, when nobody is there, and in any case in time', async (t) => {
  const receiver = await receive(t);
  const setup = setUp(t, urlOf(receiver));
  await setup.traces.flush(5000);
  finish(setup, 3);
  await setup.traces.flush(5000);
  assert.equal(setup.counters().sent, 3);
  receiver.handler = () => {};
  finish(setup, 1);
  const before = fast.now();
  await setup.traces.flush(1000);
  assert.ok(fast.now() - before >= 900);
  assert.equal(setup.counters().waiting, 1);
  await receiver.close();
  const gone = setUp(t, 'http://127.0.0.1:1/v1/traces');
  finish(gone, 1);
  await gone.traces.flush(60_000_000);
  assert.equal(gone.counters().waiting, 1);
  const nowhere = setUp(t, null);
  finish(nowhere, 1);
  await nowhere.traces.flush(60_000_000);
});

test('gives all that waits to who delivers it at the end of the process', async (t) => {
  const receiver = await receive(t);
  const setup = setUp(t, `${urlOf(receiver)}?a=b`);
  finish(setup, 2001);
  const request = setup.traces.finalRequest();
  assert.equal(request?.path, '/v1/traces?a=b');
  assert.equal(request.port, receiver.port);
  assert.equal(request.bodies.length, 3);
  for (const body of request.bodies) {
    const document: unknown = JSON.parse(String(body));
    assert.deepEqual(throughProtobuf('traces', document), document);
  }
  assert.equal(setup.traces.finalRequest(), null);
});

test('encodes a few thousand spans in slices, so that none holds the process up', async (t) => {
  const receiver = await receive(t);
  const setup = setUp(t, null);
  const stack = { stack: new Error('x').stack };
  const spans = Array.from({ length: 4000 }, (_, index) => {
    const span = setup.entry(`/${index}?a=b&c=d`);
    span.stack = stack;
    setup.recorder.finish(span);
    return span;
  });
  const encoded = (): number => spans.filter(({ http }) => http === null).length;
  // By this clock a slice is over after four looks at it, with 50 spans between two of them.
  setup.tickStep = 1;
  const slices: number[] = [];
  for (let isDone = false; !isDone; ) {
    const before = encoded();
    isDone = setup.queue.encodeSome();
    slices.push(encoded() - before);
  }
  assert.ok(slices.length >= 5 && Math.max(...slices) <= 250, slices.join());
  assert.equal(encoded(), 1000, 'a batch');
  assert.deepEqual(receiver.requests, []);
});

test('of two receivers neither holds up the other, loses its spans or empties them', async (t) => {
  const receiver = await receive(t);
  const setup = setUp(t, urlOf(receiver), 'both');
  const stack = { stack: new Error('x').stack };
  const span = setup.entry('/1');
  span.stack = stack;
  setup.recorder.finish(span);
  await waitUntil(() => setup.counters().sent === 1, 'it is sent');
  assert.equal(setup.recorder.waiting(), 1, 'the agent is still to get it');
  const [sent] = setup.drain();
  assert.equal(sent?.s, span.spanId);
  assert.equal(sent.data.http?.url, '/1');
  assert.ok((sent.stack?.length ?? 0) > 0);
  assert.equal(span.http, null, 'nothing is kept when both have it');
  // The other way round.
  receiver.handler = answerWith(503);
  finish(setup, 1);
  const other = setup.entry('/2');
  other.stack = stack;
  setup.recorder.finish(other);
  assert.equal(setup.drain().length, 2);
  assert.equal(setup.counters().waiting, 2);
  receiver.handler = acceptAll;
  await waitUntil(() => setup.counters().sent === 3, 'they are sent');
  assert.ok(receiver.requests.at(-1)?.text.includes('code.stacktrace'));
  // One is gone for long.
  const ids = finish(setup, 6000);
  await waitUntil(() => setup.counters().waiting === 0, 'the latest are sent');
  assert.equal(setup.recorder.counters().waiting, 5000);
  assert.deepEqual(setup.recorder.counters().dropped, { overflow: 1000 });
  assert.deepEqual(
    setup.drain().map(({ s }) => s),
    ids.slice(1000),
  );
});

test('what an application holds is written down once, when its span ends, for both', async (t) => {
  const receiver = await receive(t);
  const setup = setUp(t, urlOf(receiver), 'both');
  const changing = { state: 'then' };
  const span = setup.tracer.startSpan('job', { tags: { changing } });
  span.finish();
  changing.state = 'later';
  await waitUntil(() => setup.counters().sent === 1, 'it is sent');
  assert.match(receiver.requests[0]?.text ?? '', /then/);
  assert.deepEqual(setup.only().data.sdk?.custom?.tags, { changing: { state: 'then' } });
  const broken = setup.tracer.startSpan('broken', { tags: { a: {} } });
  setup.encodeContext = {
    ...setup.encodeContext,
    tagRedactor: { isSecret: () => false, redactTag: () => assert.fail() },
  };
  Object.defineProperty(setup.encodeContext, 'quoted', { get: () => assert.fail() });
  broken.finish();
  await waitUntil(() => setup.counters().dropped['encode'] === 1, 'it is dropped');
  assert.deepEqual(setup.drain(), []);
  assert.deepEqual(setup.recorder.counters().dropped, { encode: 1 });
});
