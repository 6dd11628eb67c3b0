// OTLP/JSON by real requests: what is taken, what is refused, and how it is shown.
import assert from 'node:assert/strict';
import { type OutgoingHttpHeaders, request } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { TestAgent } from '../../../support/agent/test-agent.js';
import {
  attributes,
  clientSpan,
  gauge,
  metricsDocument,
  nanoseconds,
  serverSpan,
  sum,
  traceId,
  tracesDocument,
} from '../otlp-documents.js';
import { announce, ask, type ReceivedResponse, sendRaw, sendSpans, wireSpan } from '../support.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start();
});
afterEach(() => agent.close());

type Json = Record<string, unknown>;

const shop = { 'service.name': 'shop', 'service.instance.id': 'web-1:4711', 'process.pid': 4711 };

async function processes(): Promise<Json[]> {
  return (await ask(agent, 'GET', '/api/processes')).json as Json[]; // The response to this request is always a list.
}

function otlpOf(process: Json | undefined): { resource: Json; metrics: Record<string, Json[]> } {
  const { otlp } = process as { otlp: { resource: Json; metrics: Record<string, Json[]> } }; // As the agent documents it.
  return otlp;
}

/** Sends bytes as they are. */
function post(path: string, body: Buffer, headers: OutgoingHttpHeaders): Promise<ReceivedResponse> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port: agent.port, method: 'POST', path, agent: false, headers },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: JSON.parse(text) }),
        );
      },
    );
    call.once('error', reject);
    call.end(body);
  });
}

test('responds to complete metrics with an empty object and shows them with their process', async () => {
  const metrics = [
    gauge('process.runtime.nodejs.cpu.utilization', 0.25),
    sum('process.runtime.nodejs.cpu_time', 's', 'type', { user: 12, system: 3 }),
  ];
  const { status, json, headers } = await ask(agent, 'POST', '/v1/metrics', metricsDocument(shop, metrics));
  assert.deepEqual([status, json], [200, {}]);
  assert.match(String(headers['content-type']), /^application\/json/);
  const [process, ...others] = await processes();
  assert.deepEqual(others, []);
  assert.deepEqual(
    [process?.['pid'], process?.['name'], process?.['service'], process?.['announcedMs'], process?.['outside']],
    [4711, 'shop', 'shop', null, null],
  );
  const otlp = otlpOf(process);
  assert.deepEqual(otlp.resource, shop);
  const [utilization] = otlp.metrics['process.runtime.nodejs.cpu.utilization'] ?? [];
  const { timeMs, ...rest } = utilization ?? {};
  assert.ok(Math.abs(Number(timeMs) - Date.now()) < 5000);
  assert.deepEqual(rest, {
    scope: '@instana/ts-sensor',
    kind: 'gauge',
    temporality: null,
    unit: '1',
    attributes: {},
    value: 0.25,
  });
  assert.deepEqual(
    otlp.metrics['process.runtime.nodejs.cpu_time']?.map(({ kind, temporality, attributes: of, value }) => [
      kind,
      temporality,
      of,
      value,
    ]),
    [
      ['counter', 'cumulative', { type: 'user' }, 12],
      ['counter', 'cumulative', { type: 'system' }, 3],
    ],
  );
});

test('shows the latest value of each series, in whatever order they come', async () => {
  const at = (timeMs: number, value: number) => ({ timeUnixNano: nanoseconds(timeMs), asInt: String(value) });
  const send = (...dataPoints: unknown[]) =>
    ask(agent, 'POST', '/v1/metrics', metricsDocument(shop, [{ name: 'queue', gauge: { dataPoints } }]));
  await send(at(2000, 2), at(1000, 1));
  assert.deepEqual(
    otlpOf((await processes())[0]).metrics['queue']?.map(({ value }) => value),
    [2],
  );
  await send(at(1500, 7));
  assert.deepEqual(
    otlpOf((await processes())[0]).metrics['queue']?.map(({ value }) => value),
    [2],
  );
  await send(at(3000, 3));
  assert.deepEqual(
    otlpOf((await processes())[0]).metrics['queue']?.map(({ value }) => value),
    [3],
  );
});

test('shows histograms of both kinds, summaries, deltas and values that are not finite', async () => {
  const timeUnixNano = nanoseconds(Date.now());
  const counted = { timeUnixNano, count: '3', sum: 1.5, min: 0.1, max: 1 };
  const metrics = [
    {
      name: 'explicit',
      histogram: {
        aggregationTemporality: 1,
        dataPoints: [{ ...counted, explicitBounds: [0.5], bucketCounts: ['2', '1'] }],
      },
    },
    {
      name: 'exponential',
      exponentialHistogram: { aggregationTemporality: 2, dataPoints: [{ ...counted, scale: 3 }] },
    },
    { name: 'summary', summary: { dataPoints: [{ timeUnixNano, count: '3', sum: 1.5 }] } },
    { name: 'endless', gauge: { dataPoints: [{ timeUnixNano, asDouble: 'NaN' }] } },
    { name: 'ended', gauge: { dataPoints: [{ timeUnixNano, flags: 1 }] } },
    { name: 'large', sum: { dataPoints: [{ timeUnixNano, asInt: '9007199254740993' }] } },
  ];
  assert.deepEqual((await ask(agent, 'POST', '/v1/metrics', metricsDocument(shop, metrics))).json, {});
  const { metrics: shown } = otlpOf((await processes())[0]);
  const of = (name: string) => shown[name]?.map(({ kind, temporality, value }) => [kind, temporality, value]);
  const distribution = { count: 3, sum: 1.5, min: 0.1, max: 1 };
  assert.deepEqual(of('explicit'), [['histogram', 'delta', { ...distribution, bounds: [0.5], counts: [2, 1] }]]);
  assert.deepEqual(of('exponential'), [['exponential-histogram', 'cumulative', distribution]]);
  assert.deepEqual(of('summary'), [['summary', null, { count: 3, sum: 1.5, min: null, max: null }]]);
  assert.deepEqual(of('endless'), [['gauge', null, 'NaN']]);
  assert.equal(of('ended'), undefined);
  assert.deepEqual(of('large'), [['up-down-counter', 'cumulative', 9007199254740992]]);
});

test('never mixes two instances of one service', async () => {
  const second = { ...shop, 'service.instance.id': 'web-1:4712', 'process.pid': 4712 };
  await ask(agent, 'POST', '/v1/metrics', metricsDocument(shop, [gauge('g', 1)]));
  await ask(agent, 'POST', '/v1/metrics', metricsDocument(second, [gauge('g', 2)]));
  await ask(agent, 'POST', '/v1/metrics', metricsDocument(shop, [gauge('h', 3)]));
  const shown = (await processes()).map((process) => {
    const { metrics } = otlpOf(process);
    return [process['pid'], Object.entries(metrics).map(([name, values]) => [name, values.map(({ value }) => value)])];
  });
  assert.deepEqual(shown, [
    [
      4711,
      [
        ['g', [1]],
        ['h', [3]],
      ],
    ],
    [4712, [['g', [2]]]],
  ]);
});

test('distinguishes instances by pid and id, and without both by all attributes', async () => {
  const resources = [
    { 'service.name': 'a', 'service.instance.id': 'same', 'process.pid': 1 },
    { 'service.name': 'a', 'service.instance.id': 'same', 'process.pid': 2 },
    { 'service.name': 'a', 'process.pid': 2 },
    { 'service.name': 'a', 'process.pid': 2, 'host.name': 'elsewhere' },
    { 'service.name': 'a', 'service.instance.id': 'other' },
    { 'service.name': 'a', 'service.namespace': 'space', 'service.instance.id': 'other' },
    { 'service.name': 'a' },
    { 'service.name': 'a', 'k8s.pod.name': 'one' },
    { 'k8s.pod.name': 'one' },
    {},
  ];
  for (const round of [1, 2]) {
    for (const resource of resources) {
      const document = metricsDocument(resource, [gauge('g', round)]);
      assert.deepEqual((await ask(agent, 'POST', '/v1/metrics', document)).json, {});
    }
  }
  assert.deepEqual(
    (await processes()).map((process) => otlpOf(process).resource),
    resources,
  );
});

test('shows an announced process once, with what it reports over OTLP', async () => {
  await announce(agent, 4711);
  await announce(agent, 4712);
  await ask(agent, 'POST', '/v1/metrics', metricsDocument(shop, [gauge('g', 1)]));
  const [first, second, ...others] = await processes();
  assert.deepEqual(others, []);
  assert.deepEqual([first?.['pid'], first?.['service'], typeof first?.['announcedMs']], [4711, 'shop', 'number']);
  assert.deepEqual(otlpOf(first).metrics['g']?.length, 1);
  assert.deepEqual([second?.['pid'], second?.['otlp']], [4712, null]);
});

test('does not give a process of another container to the announced one of the same pid', async () => {
  await announce(agent, 1);
  const foreign = { 'service.name': 'foreign', 'process.pid': 1, 'host.name': 'b' };
  const own = { 'service.name': 'own', 'process.pid': 1, 'host.name': 'a', 'telemetry.sdk.name': 'instana-ts-sensor' };
  await ask(agent, 'POST', '/v1/metrics', metricsDocument(foreign, [gauge('g', 1)]));
  await ask(agent, 'POST', '/v1/metrics', metricsDocument(own, [gauge('g', 2)]));
  const shown = await processes();
  assert.deepEqual(
    shown.map((process) => [typeof process['announcedMs'], otlpOf(process).resource['service.name']]),
    [
      ['number', 'own'],
      ['object', 'foreign'],
    ],
  );
});

test('takes bodies in gzip, up to the size they have unpacked', async () => {
  const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' };
  const document = Buffer.from(JSON.stringify(metricsDocument(shop, [gauge('g', 1)])));
  assert.deepEqual((await post('/v1/metrics', gzipSync(document), headers)).status, 200);
  assert.equal((await processes()).length, 1);
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));
  assert.ok(bomb.length < 100_000);
  assert.equal((await post('/v1/metrics', bomb, headers)).status, 413);
  assert.equal((await post('/v1/metrics', document, headers)).status, 400);
  assert.equal((await post('/v1/metrics', gzipSync(document).subarray(0, 50), headers)).status, 400);
  const other = { ...headers, 'Content-Encoding': 'deflate' };
  assert.equal((await post('/v1/metrics', deflateSync(document), other)).status, 415);
});

test('explains to an exporter of protobuf what to change', async () => {
  for (const path of ['/v1/metrics', '/v1/traces']) {
    const { status, json } = await post(path, Buffer.from([0x0a, 0x00]), { 'Content-Type': 'application/x-protobuf' });
    assert.equal(status, 415);
    assert.match((json as { message: string }).message, /OTEL_EXPORTER_OTLP_PROTOCOL=http\/json/);
  }
});

test('refuses a document of another form whole, and says what is wrong', async () => {
  const good = metricsDocument(shop, [gauge('g', 1)]).resourceMetrics[0];
  const wrong: [unknown, RegExp][] = [
    ['{', /not JSON/],
    ['', /JSON object/],
    ['[]', /JSON object/],
    [{ resourceMetrics: {} }, /resourceMetrics must be a list/],
    [{ resourceMetrics: [good, 7] }, /resourceMetrics must be a list of objects/],
    [{ resourceMetrics: [good, { resource: [] }] }, /resource must be an object/],
    [{ resourceMetrics: [good, { scopeMetrics: [{ scope: 'x' }] }] }, /scope must be an object/],
    [{ resourceMetrics: [good, { scopeMetrics: [{ metrics: 1 }] }] }, /metrics must be a list/],
    [
      { resourceMetrics: [good, { scopeMetrics: [{ metrics: [{ name: 'x', gauge: { dataPoints: 1 } }] }] }] },
      /dataPoints/,
    ],
  ];
  for (const [body, words] of wrong) {
    const { status, json } = await ask(agent, 'POST', '/v1/metrics', body);
    assert.equal(status, 400, JSON.stringify(body));
    const { error, message } = json as { error: string; message: string };
    assert.match(message, words);
    assert.equal(error, message);
  }
  assert.deepEqual(await processes(), [], 'nothing of them was taken');
  assert.equal((await ask(agent, 'POST', '/v1/traces', { resourceSpans: 'x' })).status, 400);
  assert.deepEqual((await ask(agent, 'POST', '/v1/traces', {})).json, {});
});

test('takes what is right and counts the points that are not', async () => {
  const timeUnixNano = nanoseconds(Date.now());
  const point = { timeUnixNano, asInt: '1' };
  const metrics = [
    gauge('right', 1),
    { gauge: { dataPoints: [point, point] } },
    { name: 'text', gauge: { dataPoints: [{ timeUnixNano, asDouble: 'many' }, point] } },
    { name: 'fraction', sum: { dataPoints: [{ timeUnixNano, asInt: '1.5' }] } },
    { name: 'buckets', histogram: { dataPoints: [{ count: '1', explicitBounds: [1], bucketCounts: ['1'] }] } },
    { name: 'nothing' },
    { name: 'no points', gauge: {} },
  ];
  const { status, json } = await ask(agent, 'POST', '/v1/metrics', metricsDocument(shop, metrics));
  const partialSuccess = { rejectedDataPoints: '5', errorMessage: 'a metric needs a name' };
  assert.deepEqual([status, json], [200, { partialSuccess }]);
  assert.deepEqual(Object.keys(otlpOf((await processes())[0]).metrics), ['right', 'text']);
});

test('warns of names in the wrong spelling, which the protocol would pass over in silence', async () => {
  const { status, json } = await ask(agent, 'POST', '/v1/metrics', { resource_metrics: [] });
  const { partialSuccess } = json as { partialSuccess: Json };
  assert.deepEqual([status, partialSuccess['rejectedDataPoints']], [200, '0']);
  assert.match(String(partialSuccess['errorMessage']), /resourceMetrics.*lowerCamelCase/);
});

test('keeps a bounded number of instances and of series', async () => {
  for (let pid = 1; pid <= 230; pid++) {
    await ask(agent, 'POST', '/v1/metrics', metricsDocument({ 'process.pid': pid }, [gauge('g', 1)]));
  }
  const shown = await processes();
  assert.equal(shown.length, 200);
  assert.equal(shown[0]?.['pid'], 31, 'the one not heard of for longest goes first');
  const many = Array.from({ length: 2500 }, (_, index) => gauge(`m${index}`, 1));
  const { json } = await ask(agent, 'POST', '/v1/metrics', metricsDocument(shop, many));
  assert.equal((json as { partialSuccess: Json }).partialSuccess['rejectedDataPoints'], '500');
  const wide = [
    {
      name: 'x',
      gauge: {
        dataPoints: [
          { asInt: 1, attributes: attributes({ a: 'x'.repeat(4000), b: 'x'.repeat(4000), c: 'x'.repeat(4000) }) },
        ],
      },
    },
  ];
  const refused = await ask(agent, 'POST', '/v1/metrics', metricsDocument({ 'process.pid': 9 }, wide));
  assert.match(JSON.stringify(refused.json), /"rejectedDataPoints":"1".*too large/);
});

test('does not let names of members reach the prototype of objects', async () => {
  const point = { asInt: 1, attributes: [{ key: '__proto__', value: { stringValue: 'x' } }] };
  const document = metricsDocument(shop, [
    { name: '__proto__', gauge: { dataPoints: [point] } },
    { name: 'constructor', gauge: { dataPoints: [point] } },
  ]);
  assert.deepEqual((await ask(agent, 'POST', '/v1/metrics', document)).json, {});
  assert.equal(({} as Json)['value'], undefined);
  const { text } = await ask(agent, 'GET', '/api/processes');
  assert.match(text, /"metrics":\{"__proto__":\[\{/);
});

test('does not take OTLP from pages of other sites or under another Host', async () => {
  const document = metricsDocument(shop, [gauge('g', 1)]);
  for (const headers of [
    { Origin: 'http://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { Host: 'evil.example' },
    { 'Content-Type': 'text/plain' },
  ]) {
    const { status } = await ask(agent, 'POST', '/v1/metrics', document, headers);
    assert.ok(status === 403 || status === 415, String(status));
    assert.ok((await ask(agent, 'POST', '/v1/traces', tracesDocument(shop, [serverSpan()]), headers)).status >= 403);
  }
  assert.deepEqual(await processes(), []);
  assert.equal(agent.receivedSpanCount(), 0);
  const { status, headers } = await ask(agent, 'GET', '/v1/traces');
  assert.deepEqual([status, headers['allow']], [405, 'POST']);
});

test('refuses a body that is too large before reading it', { timeout: 20_000 }, async () => {
  const head = 'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
  assert.match(await sendRaw(agent.port, `${head}Content-Length: 104857600\r\n\r\n{`), /^HTTP\/1\.1 413 /);
});

test('shows traces like those of sensors, by 16 or 32 digits of their id', async () => {
  const { status, json } = await ask(agent, 'POST', '/v1/traces', tracesDocument(shop, [serverSpan(), clientSpan()]));
  assert.deepEqual([status, json], [200, {}]);
  const short = traceId.slice(16);
  assert.deepEqual((await ask(agent, 'GET', '/api/traces')).json, [
    {
      traceId: short,
      name: 'GET /orders/:id',
      service: 'shop',
      startMs: 1_700_000_000_000,
      durationMs: 34,
      spanCount: 2,
      errorCount: 1,
      processes: [4711],
    },
  ]);
  const byShort = (await ask(agent, 'GET', `/api/traces/${short}`)).json as { spans: Json[] };
  assert.deepEqual((await ask(agent, 'GET', `/api/traces/${traceId}`)).json, byShort);
  const [server, client] = byShort.spans;
  assert.deepEqual(server, {
    t: short,
    lt: traceId,
    s: '00f067aa0ba902b7',
    n: 'otel',
    k: 1,
    f: { e: '4711' },
    ts: 1_700_000_000_000,
    d: 34,
    ec: 0,
    data: {
      kind: 'server',
      service: 'shop',
      operation: 'GET /orders/:id',
      http: {
        method: 'GET',
        url: '/orders/7',
        params: 'full=1',
        host: 'shop.example',
        status: 200,
        path_tpl: '/orders/:id',
      },
      tags: {
        'http.request.method': 'GET',
        'http.route': '/orders/:id',
        'url.path': '/orders/7',
        'url.query': 'full=1',
        'http.response.status_code': 200,
        'server.address': 'shop.example',
      },
      scope: 'instrumentation',
    },
  });
  assert.deepEqual([client?.['p'], client?.['k'], client?.['ec'], client?.['d']], ['00f067aa0ba902b7', 2, 1, 12]);
  const data = client?.['data'] as Json;
  assert.deepEqual([data['error'], data['error_detail']], ['ERROR', 'the stock is being counted']);
  assert.equal((data['http'] as Json)['url'], 'http://127.0.0.1:4002/stock/7');
  assert.deepEqual(
    (await processes()).map((process) => process['service']),
    ['shop'],
    'a process is known by its spans alone',
  );
});

test('understands the HTTP conventions of before 2023, links, events and odd ids', async () => {
  const old = serverSpan({
    traceId: '4bf92f3577b34da60000000000000000',
    attributes: attributes({
      'http.method': 'POST',
      'http.target': '/a?b=c',
      'http.status_code': 201,
      'http.host': 'h',
    }),
    events: [
      {
        name: 'exception',
        timeUnixNano: nanoseconds(5000),
        attributes: attributes({ 'exception.message': 'no ledger' }),
      },
    ],
    links: [{ traceId, spanId: '00f067aa0ba902b7' }, { traceId: 'x' }],
    status: { code: 2 },
    traceState: 'a=b',
  });
  await ask(agent, 'POST', '/v1/traces', tracesDocument({}, [old]));
  const { spans } = (await ask(agent, 'GET', '/api/traces/4bf92f3577b34da60000000000000000')).json as { spans: Json[] };
  const data = spans[0]?.['data'] as Json;
  assert.deepEqual(data['http'], {
    method: 'POST',
    url: '/a',
    params: 'b=c',
    host: 'h',
    status: 201,
    error: 'no ledger',
  });
  assert.deepEqual(data['links'], [{ t: traceId, s: '00f067aa0ba902b7', attributes: {} }]);
  assert.deepEqual(data['events'], [{ name: 'exception', ts: 5000, attributes: { 'exception.message': 'no ledger' } }]);
  assert.equal(data['trace_state'], 'a=b');
});

test('takes right spans and counts wrong ones', async () => {
  const wrong = [
    serverSpan({ traceId: '0'.repeat(32) }),
    serverSpan({ traceId: traceId.slice(16) }),
    serverSpan({ spanId: 'AAAAAAAAAAA=' }),
    serverSpan({ startTimeUnixNano: '0' }),
  ];
  const { json } = await ask(agent, 'POST', '/v1/traces', tracesDocument(shop, [...wrong, serverSpan()]));
  const errorMessage = 'a span needs a traceId of 32 hexadecimal digits, not all zero';
  assert.deepEqual(json, { partialSuccess: { rejectedSpans: '4', errorMessage } });
  assert.equal(agent.spans().length, 1);
});

test('shows a span once that a sensor sends both ways, in its own form', async () => {
  const t = traceId.slice(16);
  const native = wireSpan({ t, lt: traceId, s: '00f067aa0ba902b7', pid: 4711, service: 'shop' });
  const names = () => agent.spans().map(({ n, s }) => `${n} ${s.slice(-1)}`);
  await ask(agent, 'POST', '/v1/traces', tracesDocument(shop, [serverSpan(), clientSpan()]));
  assert.deepEqual(names(), ['otel 7', 'otel 8']);
  await sendSpans(agent, 4711, [native]);
  assert.deepEqual(names().sort(), ['node.http.server 7', 'otel 8']);
  await ask(agent, 'POST', '/v1/traces', tracesDocument(shop, [serverSpan()]));
  assert.deepEqual(names().sort(), ['node.http.server 7', 'otel 8']);
});

test('takes OTLP on a port of its own too, and nothing else there', async () => {
  const free = await TestAgent.start();
  const { port } = free;
  await free.close();
  await agent.listenForOtlp(port);
  assert.equal(agent.otlpPort, port);
  const document = metricsDocument(shop, [gauge('g', 1)]);
  assert.deepEqual((await ask({ port }, 'POST', '/v1/metrics', document)).json, {});
  assert.equal((await ask({ port }, 'POST', '/v1/metrics', document, { Host: 'evil.example' })).status, 403);
  assert.equal((await ask({ port }, 'GET', '/api/traces')).status, 404);
  assert.equal((await ask({ port }, 'PUT', '/com.instana.plugin.nodejs.discovery', { pid: 1 })).status, 404);
  assert.equal((await processes()).length, 1);
});

test('offers OTLP in the response to an announce only after offerOtlp()', async () => {
  const tracing = async () => ((await announce(agent, 7)).json as { tracing?: unknown }).tracing;
  assert.equal(await tracing(), undefined);
  agent.offerOtlp();
  assert.deepEqual(await tracing(), { otlp: { enabled: true, port: agent.port } });
});

test('lets tests inject faults into OTLP requests, too', async () => {
  agent.faults.set('otlp-metrics', { kind: 'respond', status: 503, headers: { 'Retry-After': '1' } }, { times: 1 });
  const document = metricsDocument(shop, [gauge('g', 1)]);
  assert.equal((await ask(agent, 'POST', '/v1/metrics', document)).status, 503);
  assert.deepEqual(await processes(), []);
  assert.equal((await ask(agent, 'POST', '/v1/metrics', document)).status, 200);
});
