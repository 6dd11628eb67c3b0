// Spans as OTLP from processes as users start them: in place of the agent's protocol, beside it, and without any agent.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { type Downstream, startDownstream } from '../../support/downstream.js';
import { exchange } from '../../support/exchange.js';
import {
  acceptAll,
  answerWith,
  certificateFile,
  OtlpReceiver,
  throughProtobuf,
  withoutEmptyLists,
} from '../../support/otlp.js';
import { type AppOptions, appsFolder, type HostApp, runApp } from '../../support/run-app.js';
import { FakeAgent, hang } from '../../unit/agent/fake-agent.js';
import { untracedOnly } from './run-cases.js';

interface Attribute {
  readonly key: string;
  readonly value: Record<string, unknown>;
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly events?: readonly { readonly name: string; readonly attributes: readonly Attribute[] }[];
  readonly status?: { readonly code: number };
  /** Of the resource that it came with. */
  readonly resource: Record<string, unknown>;
}

interface Document {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly Span[] }[];
  }[];
}

/** Values without their types. */
function plain(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

function spansOf(receiver: OtlpReceiver): Span[] {
  return (receiver.accepted('traces') as Document[]).flatMap((document) => {
    assert.deepEqual(throughProtobuf('traces', document), withoutEmptyLists(document));
    return document.resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans }) => {
        assert.equal(scope.name, '@instana/ts-sensor');
        return spans.map((span) => ({ ...span, resource: plain(resource.attributes) }));
      }),
    );
  });
}

function nativeSpans(agent: FakeAgent): WireSpan[] {
  return agent.of('traces').flatMap(({ text }) => JSON.parse(text) as WireSpan[]);
}

interface Setup {
  readonly receiver: OtlpReceiver;
  readonly agent: FakeAgent;
  readonly downstream: Downstream;
  readonly app: HostApp;
  get(path: string, headers?: Record<string, string>): Promise<string>;
}

const nobody = 1;

async function setUp(
  t: TestContext,
  env: Record<string, string>,
  more: Partial<AppOptions> & {
    withAgent?: boolean;
    isSecure?: boolean;
    prepare?: (agent: FakeAgent, port: number) => void;
  } = {},
): Promise<Setup> {
  const receiver = await new OtlpReceiver(more.isSecure).listen();
  const agent = await new FakeAgent().listen();
  more.prepare?.(agent, receiver.port);
  const downstream = await startDownstream();
  const app = await runApp({
    file: 'otlp-app.cjs',
    loader: 'require',
    agentPort: more.withAgent === false ? nobody : agent.port,
    downstreamUrl: downstream.url,
    ...more,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${more.isSecure === true ? 'https' : 'http'}://127.0.0.1:${receiver.port}`,
      INSTANA_METRICS_OTLP_ENABLED: 'false',
      ...env,
    },
  });
  t.after(async () => {
    await app.stop();
    await receiver.close();
    await agent.close();
    await downstream.close();
  });
  return {
    receiver,
    agent,
    downstream,
    app,
    get: async (path, headers = {}) => {
      const secure = env['HTTPS'] === '1';
      const reply = await exchange({ port: app.ports['app'] ?? 0, secure }, { path, headers }, null);
      return reply.body;
    },
  };
}

describe('spans as OTLP', { skip: untracedOnly }, () => {
  it('need no agent where an endpoint is configured', async (t) => {
    const { receiver, get, app } = await setUp(
      t,
      { INSTANA_TRACING_OTLP_ENABLED: 'true', INSTANA_SERVICE_NAME: 'shop' },
      { withAgent: false },
    );
    await get('/users/7?a=b');
    await get('/fails');
    await waitUntil(() => spansOf(receiver).length === 5, 'all of them');
    const spans = spansOf(receiver);
    const entry = spans.find(({ name }) => name === 'GET /users/:id') ?? assert.fail();
    const manual = spans.find(({ name }) => name === 'load user') ?? assert.fail();
    const [ok, missing] = spans.filter(({ kind }) => kind === 3);
    assert.equal(entry.parentSpanId, undefined);
    assert.equal(manual.parentSpanId, entry.spanId);
    assert.equal(ok?.parentSpanId, manual.spanId);
    assert.equal(missing?.parentSpanId, entry.spanId);
    for (const span of [entry, manual, ok, missing]) {
      assert.match(span.traceId, /^0{16}[\da-f]{16}$/);
      assert.equal(span.traceId, entry.traceId);
      assert.ok(BigInt(span.startTimeUnixNano) >= BigInt(entry.startTimeUnixNano), `${span.name} begins in its parent`);
      assert.ok(BigInt(span.endTimeUnixNano) <= BigInt(entry.endTimeUnixNano), `${span.name} ends in its parent`);
      assert.ok(Math.abs(Number(BigInt(span.startTimeUnixNano) / 1_000_000n) - Date.now()) < 60_000);
    }
    assert.deepEqual([entry.kind, manual.kind], [2, 1]);
    const server = plain(entry.attributes);
    assert.equal(server['http.route'], '/users/:id');
    assert.equal(server['url.scheme'], 'http');
    assert.equal(server['url.path'], '/users/7');
    assert.equal(server['url.query'], 'a=b');
    assert.equal(server['http.response.status_code'], '200');
    assert.equal(plain(manual.attributes)['rows'], '1');
    assert.equal(missing.status?.code, 2);
    assert.match(String(plain(ok.attributes)['url.full']), /^http:\/\/127\.0\.0\.1:\d+\/ok\?q=1$/);
    const failed = spans.find(({ name }) => name === 'GET /fails') ?? assert.fail();
    assert.equal(failed.status?.code, 2);
    assert.match(String(plain(failed.events?.[0]?.attributes ?? [])['exception.stacktrace']), /otlp-app\.cjs/);
    const { resource } = entry;
    assert.equal(resource['service.name'], 'shop');
    assert.equal(resource['service.instance.id'], `${hostname()}:${app.pid}`);
    assert.equal(resource['process.pid'], String(app.pid));
    assert.equal(receiver.connections, 1);
  });

  it('have the whole id of a trace of W3C, in each span and in what is passed on', async (t) => {
    const { receiver, downstream, get } = await setUp(
      t,
      { INSTANA_TRACING_OTLP_ENABLED: 'true' },
      { withAgent: false },
    );
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await get('/users/7', { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'congo=t61' });
    await waitUntil(() => spansOf(receiver).length === 4, 'all of them');
    const spans = spansOf(receiver);
    assert.deepEqual([...new Set(spans.map((span) => span.traceId))], [traceId]);
    const entry = spans.find(({ kind }) => kind === 2);
    assert.equal(entry?.parentSpanId, 'b7ad6b7169203331');
    assert.equal(entry.traceState, 'congo=t61');
    const sent = downstream.arrivals.map(({ headers }) =>
      headers.find(([name]) => name === 'traceparent')?.[1].slice(3, 35),
    );
    assert.deepEqual(sent, [traceId, traceId]);
    const long = 'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb';
    await get('/plain', { 'X-INSTANA-T': long, 'X-INSTANA-S': 'c'.repeat(16) });
    await waitUntil(() => spansOf(receiver).length === 5, 'the request');
    assert.equal(spansOf(receiver)[4]?.traceId, long);
  });

  it('take the place of those for the agent, which knows the process and its metrics all the same', async (t) => {
    const { receiver, agent, get } = await setUp(t, { INSTANA_TRACING_OTLP_ENABLED: 'true' });
    await waitUntil(() => agent.of('metrics').length > 0, 'metrics for the agent');
    await get('/users/7');
    await waitUntil(() => spansOf(receiver).length === 4, 'all of them');
    const [span] = spansOf(receiver);
    assert.equal(span?.resource['process.pid'], '4242');
    assert.equal(span.resource['instana.host.id'], '02:42:ac:ff:fe:11:00:02');
    const status = JSON.parse(await get('/status')) as { spans: { sent: number; otlp: { sent: number; url: string } } };
    assert.equal(status.spans.sent, 0);
    assert.equal(status.spans.otlp.sent, 4);
    assert.equal(status.spans.otlp.url, `http://127.0.0.1:${receiver.port}/v1/traces`);
    assert.deepEqual(agent.of('traces'), []);
    assert.ok(agent.of('announce').length === 1);
  });

  it('go to the port that the agent offers', async (t) => {
    const { receiver, agent, get } = await setUp(
      t,
      { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
      {
        prepare: (agent, port) => {
          agent.answer = { ...agent.answer, tracing: { otlp: { enabled: true, port } } };
        },
      },
    );
    await waitUntil(() => agent.of('metrics').length > 0, 'metrics for the agent');
    await get('/plain');
    await waitUntil(() => spansOf(receiver).length === 1, 'the request');
    assert.equal(spansOf(receiver)[0]?.resource['service.name'], '@instana/ts-sensor');
    assert.deepEqual(agent.of('traces'), []);
  });

  it('are not sent unless something asks for them', async (t) => {
    const { receiver, agent, get } = await setUp(t, {});
    await get('/plain');
    await waitUntil(() => nativeSpans(agent).length === 1, 'the span at the agent');
    const status = JSON.parse(await get('/status')) as { spans: { otlp: unknown } };
    assert.equal(status.spans.otlp, null);
    assert.deepEqual(receiver.requests, []);
  });

  it('go both ways, each span once, the same ids in both', async (t) => {
    const { receiver, agent, get } = await setUp(t, { INSTANA_TRACING_OTLP_ENABLED: 'both' });
    await get('/users/7');
    await get('/fails');
    await waitUntil(() => spansOf(receiver).length === 5, 'all as OTLP');
    await waitUntil(() => nativeSpans(agent).length === 5, 'all at the agent');
    const key = (trace: string, span: string, parent = ''): string => `${trace} ${span} ${parent}`;
    assert.deepEqual(
      spansOf(receiver)
        .map(({ traceId, spanId, parentSpanId }) => key(traceId.slice(16), spanId, parentSpanId))
        .sort(),
      nativeSpans(agent)
        .map(({ t, s, p }) => key(t, s, p))
        .sort(),
    );
    const failed = nativeSpans(agent).find(({ ec, k }) => ec === 1 && k === 1);
    assert.ok((failed?.stack?.length ?? 0) > 0, 'stacks are in both');
    assert.match(JSON.stringify(spansOf(receiver)), /otlp-app\.cjs/);
  });

  it('do not wait for the agent, nor it for them', async (t) => {
    const { receiver, agent, get } = await setUp(t, { INSTANA_TRACING_OTLP_ENABLED: 'both' });
    receiver.handler = () => {};
    await get('/plain');
    await waitUntil(() => nativeSpans(agent).length === 1, 'the span at the agent');
    await waitUntil(() => receiver.requests.length === 1, 'a request to the receiver');
    await get('/plain');
    await waitUntil(() => nativeSpans(agent).length === 2, 'both at the agent');
    receiver.handler = acceptAll;
    for (const socket of receiver.sockets) socket.destroy();
    agent.on('traces', hang);
    await get('/plain');
    await waitUntil(() => spansOf(receiver).length === 3, 'all three as OTLP');
    agent.on('traces');
    await waitUntil(() => new Set(nativeSpans(agent).map(({ s }) => s)).size === 3, 'all three at the agent');
    assert.equal(new Set(spansOf(receiver).map(({ spanId }) => spanId)).size, 3);
  });

  it('are kept while the receiver is busy, and counted when it rejects them', async (t) => {
    const { receiver, get } = await setUp(t, { INSTANA_TRACING_OTLP_ENABLED: 'true' }, { withAgent: false });
    receiver.handler = answerWith(503, {}, { 'Retry-After': '1' });
    await get('/plain');
    await waitUntil(() => receiver.requests.length > 0, 'an attempt');
    receiver.handler = answerWith(200, { partialSuccess: { rejectedSpans: 1, errorMessage: 'no' } });
    await waitUntil(() => receiver.accepted('traces').length === 1, 'a request that is accepted');
    const { spans } = JSON.parse(await get('/status')) as { spans: { otlp: { dropped: unknown } } };
    assert.deepEqual(spans.otlp.dropped, { rejected: 1 });
  });

  it('belong to the service of the moment when it is named later', async (t) => {
    const { receiver, get } = await setUp(t, { INSTANA_TRACING_OTLP_ENABLED: 'true' }, { withAgent: false });
    await get('/rename');
    await get('/plain');
    await waitUntil(() => spansOf(receiver).length === 2, 'both');
    assert.equal(spansOf(receiver).at(-1)?.resource['service.name'], 'renamed');
  });

  it('go over TLS, and say which requests came over it', async (t) => {
    const { receiver, get } = await setUp(
      t,
      {
        INSTANA_TRACING_OTLP_ENABLED: 'true',
        OTEL_EXPORTER_OTLP_HEADERS: 'x-instana-key=hunter2',
        NODE_EXTRA_CA_CERTS: certificateFile,
        HTTPS: '1',
      },
      { withAgent: false, isSecure: true },
    );
    await get('/plain');
    await waitUntil(() => spansOf(receiver).length === 1, 'the request');
    assert.equal(plain(spansOf(receiver)[0]?.attributes ?? [])['url.scheme'], 'https');
    assert.equal(receiver.requests[0]?.headers['x-instana-key'], 'hunter2');
  });

  it('and what is logged of them hold no secret', async (t) => {
    const marker = 'hunter2';
    const { receiver, get, app } = await setUp(
      t,
      {
        INSTANA_TRACING_OTLP_ENABLED: 'both',
        MARKER: marker,
        INSTANA_DEBUG: '1',
        INSTANA_EXTRA_HTTP_HEADERS: 'authorization;cookie;set-cookie;x-api-key;location;referer',
        OTEL_RESOURCE_ATTRIBUTES: `db.password=${marker},note=http://u:${marker}@h/`,
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${marker},broken header=${marker}`,
      },
      { file: 'secrets-app.cjs', withAgent: false, args: [`--db-password=${marker}`] },
    );
    receiver.handler = answerWith(503);
    const path = `/a;password=${marker}/b?x=1&user%5Bpassword%5D=${marker}?PassWord=${marker};secret=${marker}`;
    const headers = { Authorization: `Bearer ${marker}`, Cookie: `sid=${marker}`, 'X-Api-Key': marker };
    await get(path, headers);
    await waitUntil(() => receiver.requests.length > 0, 'an attempt');
    receiver.handler = acceptAll;
    await waitUntil(() => spansOf(receiver).length === 7, 'all of them');
    for (const { text } of receiver.requests) assert.ok(!text.includes(marker), text);
    assert.ok(!app.stderr().includes(marker), app.stderr());
    const entry = spansOf(receiver).find(({ kind, name }) => kind === 2 && name === 'GET');
    const known = plain(entry?.attributes ?? []);
    assert.equal(known['url.query'], 'x=1&user%5Bpassword%5D=<redacted>?PassWord=<redacted>;secret=<redacted>');
    assert.deepEqual(known['http.request.header.cookie'], { values: [{ stringValue: '<redacted>' }] });
    assert.equal(entry?.resource['db.password'], '<redacted>');
  });
});

interface End {
  readonly code: number | null;
  readonly ms: number;
}

async function runScript(env: Record<string, string>): Promise<End> {
  const begun = performance.now();
  const preload = join(appsFolder, '..', '..', 'build', 'src', 'bootstrap.js');
  const child = spawn(process.execPath, ['-r', preload, join(appsFolder, 'otlp-exit.cjs')], {
    cwd: appsFolder,
    env: { PATH: process.env['PATH'], INSTANA_AGENT_HOST: '127.0.0.1', INSTANA_AGENT_PORT: String(nobody), ...env },
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, ms: performance.now() - begun };
}

describe('at the end of a process', { skip: untracedOnly }, () => {
  const ends: readonly (readonly [end: string, waitMs: string, code: number])[] = [
    ['flush', '0', 0],
    ['flush', '200', 0],
    ['exit', '0', 3],
    ['exit', '200', 3],
    ['throw', '200', 1],
    ['itself', '0', 0],
    ['itself', '200', 0],
  ];
  for (const [end, waitMs, code] of ends) {
    it(`spans arrive as OTLP without an agent: ${end} after ${waitMs} ms`, async (t) => {
      const receiver = await new OtlpReceiver().listen();
      t.after(() => receiver.close());
      const outcome = await runScript({
        INSTANA_TRACING_OTLP_ENABLED: 'true',
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.port}`,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-instana-key=k',
        END: end,
        WAIT_MS: waitMs,
      });
      assert.equal(outcome.code, code);
      assert.deepEqual(
        spansOf(receiver).map(({ name }) => name),
        ['work'],
      );
      assert.equal(receiver.requests[0]?.headers['x-instana-key'], 'k');
      if (end === 'flush') assert.equal(spansOf(receiver)[0]?.resource['service.name'], '@instana/ts-sensor');
    });
  }

  it('a flush waits for the agent that is being looked for, and each span has its kind and its trace', async (t) => {
    const receiver = await new OtlpReceiver().listen();
    const agent = await new FakeAgent().listen();
    agent.answer = { ...agent.answer, tracing: { otlp: { enabled: true, port: receiver.port } } };
    t.after(async () => {
      await receiver.close();
      await agent.close();
    });
    const traceId = '0123456789abcdef84e588b697868fee';
    const { code } = await runScript({
      INSTANA_TRACING_OTLP_ENABLED: 'true',
      INSTANA_AGENT_PORT: String(agent.port),
      END: 'flush',
      WAIT_MS: '0',
      CALLER: traceId,
      KINDS: 'server,client,producer,consumer',
    });
    assert.equal(code, 0);
    const spans = spansOf(receiver);
    const kinds = spans.map(({ name, kind }) => `${name} ${kind}`).sort();
    assert.deepEqual(kinds, ['client 3', 'consumer 5', 'producer 4', 'server 2', 'work 1']);
    assert.deepEqual([...new Set(spans.filter(({ kind }) => kind !== 1).map((span) => span.traceId))], [traceId]);
  });

  it('spans arrive over TLS, too', async (t) => {
    const receiver = await new OtlpReceiver(true).listen();
    t.after(() => receiver.close());
    await runScript({
      INSTANA_TRACING_OTLP_ENABLED: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: `https://localhost:${receiver.port}`,
      NODE_EXTRA_CA_CERTS: certificateFile,
      END: 'exit',
      WAIT_MS: '200',
    });
    assert.equal(spansOf(receiver).length, 1);
  });

  it('a receiver that never responds does not hold up the end', async (t) => {
    const receiver = await new OtlpReceiver().listen();
    t.after(() => receiver.close());
    receiver.handler = () => {};
    for (const [end, waitMs] of [
      ['itself', '0'],
      ['itself', '1500'],
      ['exit', '200'],
    ] as const) {
      const { ms } = await runScript({
        INSTANA_TRACING_OTLP_ENABLED: 'both',
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.port}`,
        END: end,
        WAIT_MS: waitMs,
      });
      // The end may be delayed by 300 ms, and by three times as much in tests; the rest is for the start of the process.
      assert.ok(ms < Number(waitMs) + 2500, `${end} after ${waitMs}: ${Math.round(ms)} ms`);
    }
  });
});
