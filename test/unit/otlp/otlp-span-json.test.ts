// Spans as OTLP: the conventions, member by member, and the official protobuf definitions as judge of all of them.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { OtlpSpanSerializer, otlpTraceId } from '../../../src/otlp/otlp-span-json.js';
import { W3cContext } from '../../../src/propagation/w3c-context.js';
import type { SpanKind, WireHttp, WireSdk, WireSpan } from '../../../src/protocol/wire-span.js';
import { Redactor } from '../../../src/redaction/redactor.js';
import { makeEncodeContext } from '../../../src/spans/instana-json.js';
import { HttpAttributes, SdkAttributes, SpanRecord } from '../../../src/spans/span.js';
import { throughProtobuf, withoutEmptyLists } from '../../support/otlp.js';

const traceId = '0000000000000000ab4a8f5c1d2e3f40';

/** What a span has besides its wire form. */
interface More {
  readonly traceId?: string;
  readonly startMs?: number;
  readonly durationMs?: number;
  readonly scheme?: 'http' | 'https';
  readonly tracestate?: string;
}

const serializer = new OtlpSpanSerializer(() => null);
const context = makeEncodeContext(
  new Redactor({ matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] }),
  null,
  10,
);

function httpOf(wire: WireHttp, isEntry: boolean): HttpAttributes {
  const [, origin = null, path] = /^(https?:\/\/[^/]+)(.*)$/.exec(isEntry ? '' : (wire.url ?? '')) ?? [];
  const query = wire.params === undefined ? '' : `?${wire.params}`;
  const host = isEntry ? (wire.host ?? null) : origin;
  const http = new HttpAttributes(wire.method ?? '', `${path ?? wire.url ?? ''}${query}`, host);
  http.status = wire.status ?? 0;
  http.template = wire.path_tpl ?? null;
  http.headers = wire.header ?? null;
  http.error = wire.error ?? null;
  return http;
}

function sdkOf(wire: WireSdk | undefined, sections: readonly [string, unknown][]): SdkAttributes | null {
  const [section] = sections;
  if (wire === undefined && section === undefined) return null;
  const sdk = new SdkAttributes(wire?.name ?? null);
  Object.assign(sdk.tags, wire?.custom?.tags);
  sdk.logs = (wire?.custom?.logs ?? null) as SdkAttributes['logs'];
  if (section !== undefined) sdk.section = { name: section[0], attributes: section[1] as Record<string, unknown> };
  return sdk;
}

function w3cOf({ ia }: Partial<WireSpan>, more: More): W3cContext | null {
  if (ia === undefined && more.tracestate === undefined && more.traceId === undefined) return null;
  const w3c = new W3cContext(more.traceId ?? null, null, 1);
  w3c.tracestate = more.tracestate ?? '';
  w3c.ancestorTraceId = ia?.t ?? null;
  w3c.ancestorSpanId = ia?.p ?? null;
  return w3c;
}

/** The record of which the agent would get this wire form. */
function recordOf(wire: Partial<WireSpan>, more: More): SpanRecord {
  const { http, sdk, service: _, ...sections } = wire.data ?? {};
  const kind: SpanKind = wire.k ?? 1;
  const attributes = http === undefined ? null : httpOf(http, kind === 1);
  if (attributes !== null) attributes.scheme = more.scheme ?? null;
  const startMs = more.startMs ?? 1_700_000_000_000.25;
  const id = traceId.slice(16);
  const own = more.traceId?.slice(16) ?? id;
  const span = new SpanRecord(
    wire.n ?? 'sdk',
    kind,
    own,
    '1111111111111111',
    wire.p ?? null,
    null,
    startMs,
    0,
    attributes,
  );
  span.durationMs = more.durationMs ?? 12.5;
  span.errorCount = wire.ec ?? 0;
  span.stack = wire.stack ?? [];
  span.synthetic = wire.sy === true;
  span.correlationType = wire.crtp ?? null;
  span.correlationId = wire.crid ?? null;
  span.fromTraceparent = wire.ia !== undefined;
  span.w3c = w3cOf(wire, more);
  span.sdk = sdkOf(sdk, Object.entries(sections));
  return span;
}

interface Shown {
  readonly [member: string]: unknown;
  readonly name: string;
  readonly attributes: { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly events?: {
    readonly name: string;
    readonly timeUnixNano: string;
    readonly attributes: Shown['attributes'];
  }[];
}

const shown: Shown[] = [];
afterEach(() => {
  const document = {
    resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: { name: 'x' }, spans: shown.splice(0) }] }],
  };
  assert.deepEqual(throughProtobuf('traces', document), withoutEmptyLists(document));
});

function convert(wire: Partial<WireSpan>, more: More = {}): Shown {
  const made = JSON.parse(serializer.serialize(recordOf(wire, more), context)) as Shown;
  shown.push(made);
  return made;
}

/** Values without their types. */
function plain(attributes: Shown['attributes']): Record<string, unknown> {
  const keys = attributes.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length, 'no key twice');
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

const served = { n: 'node.http.server', k: 1, p: '2222222222222222' } as const;
const called = { n: 'node.http.client', k: 2, p: '2222222222222222' } as const;

describe('a request that was served', () => {
  it('is a server span with the attributes of the conventions', () => {
    const http = {
      method: 'GET',
      url: '/users/7',
      params: 'q=1&key=<redacted>',
      host: 'shop.example:8080',
      status: 200,
      path_tpl: '/users/:id',
      header: { 'x-request-id': 'r-1' },
    };
    const { attributes, ...span } = convert({ ...served, data: { http, service: 'shop' } }, { scheme: 'https' });
    assert.deepEqual(span, {
      traceId,
      spanId: '1111111111111111',
      parentSpanId: '2222222222222222',
      flags: 0x301,
      name: 'GET /users/:id',
      kind: 2,
      startTimeUnixNano: '1700000000000250000',
      endTimeUnixNano: '1700000000012750000',
    });
    assert.deepEqual(attributes, [
      { key: 'http.request.method', value: { stringValue: 'GET' } },
      { key: 'url.scheme', value: { stringValue: 'https' } },
      { key: 'url.path', value: { stringValue: '/users/7' } },
      { key: 'url.query', value: { stringValue: 'q=1&key=<redacted>' } },
      { key: 'server.address', value: { stringValue: 'shop.example' } },
      { key: 'server.port', value: { intValue: '8080' } },
      { key: 'http.route', value: { stringValue: '/users/:id' } },
      { key: 'http.response.status_code', value: { intValue: '200' } },
      { key: 'http.request.header.x-request-id', value: { arrayValue: { values: [{ stringValue: 'r-1' }] } } },
    ]);
  });

  it('has the method alone as its name without a route, and HTTP for a method that nobody knows', () => {
    assert.equal(convert({ ...served, data: { http: { method: 'POST', url: '/' } } }).name, 'POST');
    const { name, attributes } = convert({ ...served, data: { http: { method: 'BREW', url: '/', path_tpl: '/pot' } } });
    assert.equal(name, 'HTTP /pot');
    const known = plain(attributes);
    assert.equal(known['http.request.method'], '_OTHER');
    assert.equal(known['http.request.method_original'], 'BREW');
  });

  it('is an error from 500 on, and not for a status of 4xx', () => {
    const withStatus = (status: number, ec: number): Shown =>
      convert({ ...served, ec, data: { http: { method: 'GET', url: '/', status } } });
    assert.equal(withStatus(404, 0)['status'], undefined);
    assert.equal(plain(withStatus(404, 0).attributes)['error.type'], undefined);
    assert.deepEqual(withStatus(503, 1)['status'], { code: 2 });
    assert.equal(plain(withStatus(503, 1).attributes)['error.type'], '503');
  });

  it('has the text of an error as an exception, with its stack', () => {
    const stack = [{ m: 'handle', c: '/app/shop.js', n: 7 }, { m: '<anonymous>' }];
    const http = { method: 'GET', url: '/', status: 500, error: 'TypeError: x is not a function' };
    const { events, status } = convert({ ...served, ec: 1, stack, data: { http } });
    assert.deepEqual(status, { code: 2, message: 'TypeError: x is not a function' });
    assert.equal(events?.[0]?.name, 'exception');
    assert.equal(events[0].timeUnixNano, '1700000000012750000');
    assert.deepEqual(plain(events[0].attributes), {
      'exception.type': 'TypeError',
      'exception.message': 'x is not a function',
      'exception.stacktrace': 'TypeError: x is not a function\n    at handle (/app/shop.js:7)\n    at <anonymous> ()',
    });
  });

  it('that was broken off has no status, and the error', () => {
    const { attributes, status } = convert({
      ...served,
      data: { http: { method: 'GET', url: '/', error: 'Request aborted' } },
    });
    assert.equal(plain(attributes)['error.type'], '_OTHER');
    assert.equal(status, undefined);
  });

  it('may have a status of any kind, from a response that the application made itself', () => {
    for (const [status, value] of [
      [undefined, undefined],
      ['abc', { stringValue: 'abc' }],
      [200.5, { doubleValue: 200.5 }],
    ] as const) {
      const record = recordOf({ ...served, data: { http: { method: 'GET', url: '/' } } }, {});
      if (record.http !== null) record.http.status = status as number; // whatever it is
      const made = JSON.parse(serializer.serialize(record, context)) as Shown;
      const found = made.attributes.find(({ key }) => key === 'http.response.status_code');
      assert.deepEqual(found?.value, value);
    }
  });

  it('reads the address of every kind of host', () => {
    const address = (host: string): unknown[] => {
      const known = plain(convert({ ...served, data: { http: { method: 'GET', url: '/', host } } }).attributes);
      return [known['server.address'], known['server.port']];
    };
    assert.deepEqual(address('a'), ['a', undefined]);
    assert.deepEqual(address('[::1]:3000'), ['::1', '3000']);
    assert.deepEqual(address('<redacted>@a:1'), ['a', '1']);
    assert.deepEqual(address(''), [undefined, undefined]);
    assert.deepEqual(address('a:b:c'), [undefined, undefined]);
  });

  it('takes the path of a whole URL, as proxies are asked', () => {
    const known = plain(convert({ ...served, data: { http: { method: 'GET', url: 'http://a:81/b' } } }).attributes);
    assert.equal(known['url.path'], '/b');
    assert.equal(known['url.scheme'], 'http');
    assert.equal(known['server.port'], '81');
  });

  it('says what Instana knows besides', () => {
    const span = convert({
      ...served,
      sy: true,
      crtp: 'web',
      crid: 'c-1',
      tp: true,
      ia: { t: 'aa'.repeat(8), p: 'bb'.repeat(8) },
    });
    const known = plain(span.attributes);
    assert.equal(known['instana.synthetic'], true);
    assert.equal(known['instana.correlation.type'], 'web');
    assert.equal(known['instana.correlation.id'], 'c-1');
    assert.deepEqual(span['links'], [
      {
        traceId: '0'.repeat(16) + 'aa'.repeat(8),
        spanId: 'bb'.repeat(8),
        attributes: [{ key: 'instana.link', value: { stringValue: 'ancestor' } }],
      },
    ]);
    const near = convert(
      { ...served, tp: true, ia: { t: 'aa'.repeat(8), p: '2222222222222222' } },
      { tracestate: 'a=b' },
    );
    assert.equal(near['links'], undefined);
    const long = `${'dd'.repeat(8)}${'aa'.repeat(8)}`;
    const same = convert({ ...served, ia: { t: 'aa'.repeat(8), p: 'bb'.repeat(8) } }, { traceId: long });
    assert.equal((same['links'] as { traceId: string }[])[0]?.traceId, long, 'within a trace there is one id');
    assert.equal(near['traceState'], 'a=b');
  });
});

describe('a request that was made', () => {
  it('is a client span with the whole URL and the port that belongs to its scheme', () => {
    const http = { method: 'GET', url: 'https://api.example/v1', params: 'a=b', status: 200 };
    const span = convert({ ...called, stack: [{ m: 'f', c: 'a.js', n: 1 }], data: { http } });
    assert.equal(span['kind'], 3);
    assert.equal(span.name, 'GET');
    assert.equal(span['flags'], 0x101);
    assert.deepEqual(plain(span.attributes), {
      'http.request.method': 'GET',
      'url.full': 'https://api.example/v1?a=b',
      'server.address': 'api.example',
      'server.port': '443',
      'http.response.status_code': '200',
      'code.stacktrace': '    at f (a.js:1)',
    });
  });

  it('is an error from 400 on, whatever the agent is told', () => {
    const { status, attributes } = convert({
      ...called,
      data: { http: { method: 'GET', url: 'http://a/', status: 404 } },
    });
    assert.deepEqual(status, { code: 2 });
    assert.equal(plain(attributes)['error.type'], '404');
  });

  it('has the kind of what went wrong', () => {
    const kind = (error: string): unknown =>
      plain(convert({ ...called, ec: 1, data: { http: { method: 'GET', url: 'http://a/', error } } }).attributes)[
        'error.type'
      ];
    assert.equal(kind('Error: connect ECONNREFUSED 127.0.0.1:9'), 'ECONNREFUSED');
    assert.equal(kind('Timeout exceeded, request aborted'), 'timeout');
    assert.equal(kind('TypeError: fetch failed'), 'TypeError');
    assert.equal(kind('something else'), '_OTHER');
  });
});

describe('a span by hand', () => {
  it('has its name, its kind, its tags as attributes of their types', () => {
    const tags = {
      text: 'a',
      whole: 7,
      part: 0.5,
      large: 1e300,
      flag: true,
      none: null,
      list: ['a', 'b'],
      mixed: [1, 'a'],
      empty: [],
      object: { a: { b: 1 } },
      'http.route': '/x',
    };
    const span = convert({ k: 3, data: { sdk: { name: 'job', type: 'intermediate', custom: { tags } } } });
    assert.equal(span.name, 'job');
    assert.equal(span['kind'], 1);
    assert.equal(span['flags'], 1);
    assert.deepEqual(Object.fromEntries(span.attributes.map(({ key, value }) => [key, value])), {
      text: { stringValue: 'a' },
      whole: { intValue: '7' },
      part: { doubleValue: 0.5 },
      large: { doubleValue: 1e300 },
      flag: { boolValue: true },
      list: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } },
      mixed: { stringValue: '[1,"a"]' },
      empty: { arrayValue: { values: [] } },
      object: { stringValue: '{"a":{"b":1}}' },
      'http.route': { stringValue: '/x' },
    });
  });

  it('has its logs as events, those of errors as exceptions', () => {
    const logs = {
      1700000000005: { event: 'cache miss', size: 3 },
      1700000000006: { event: 'error', 'error.object': 'RangeError: too far', detail: 'x' },
      1700000000007: { event: 'error', 'error.kind': 'E', message: 'm', stack: 's' },
      1700000000008: { note: 'n' },
    };
    const span = convert({
      ec: 1,
      data: { sdk: { name: 'job', type: 'entry', custom: { tags: { message: 'RangeError: too far' }, logs } } },
    });
    assert.deepEqual(span['status'], { code: 2, message: 'RangeError: too far' });
    assert.deepEqual(
      span.events?.map(({ name, timeUnixNano, attributes }) => [name, timeUnixNano, plain(attributes)]),
      [
        ['cache miss', '1700000000005000000', { size: '3' }],
        [
          'exception',
          '1700000000006000000',
          {
            'error.object': 'RangeError: too far',
            detail: 'x',
            'exception.type': 'RangeError',
            'exception.message': 'too far',
          },
        ],
        [
          'exception',
          '1700000000007000000',
          { 'exception.type': 'E', 'exception.message': 'm', 'exception.stacktrace': 's' },
        ],
        ['log', '1700000000008000000', { note: 'n' }],
      ],
    );
  });

  it('keeps what the protocol says against tags of the same name, and the sections of other protocols', () => {
    const tagged = convert({
      ...served,
      data: { http: { method: 'GET', url: '/' }, sdk: { custom: { tags: { 'url.path': '/other', user: 'u' } } } },
    });
    assert.equal(plain(tagged.attributes)['url.path'], '/');
    assert.equal(plain(tagged.attributes)['user'], 'u');
    const other = convert({ n: 'memcached', k: 2, ec: 1, data: { memcached: { operation: 'get', error: 'E: m' } } });
    assert.equal(other.name, 'memcached');
    assert.deepEqual(plain(other.attributes), { 'error.type': 'E', 'memcached.operation': 'get' });
    assert.equal(other.events?.[0]?.name, 'exception');
  });

  it('may have nothing at all', () => {
    const span = convert({ n: 'sdk', data: {} });
    assert.equal(span.name, 'sdk');
    assert.deepEqual(span.attributes, []);
  });
});

describe('a time', () => {
  it('that 64 bits of nanoseconds cannot hold does not break what is sent with it', () => {
    const micros = convert({ data: { sdk: { name: 'a', custom: { logs: { '1700000000000000': { event: 'x' } } } } } });
    assert.equal(micros.events?.[0]?.timeUnixNano, '18446744073709000000');
    const late = convert({}, { startMs: 8.64e15 });
    assert.equal(late['startTimeUnixNano'], '18446744073709000000');
    assert.equal(convert({}, { startMs: -5, durationMs: 1 })['startTimeUnixNano'], '0');
  });
});

describe('the trace of a span', () => {
  it('is that of W3C when it ends in the id that Instana knows', () => {
    assert.equal(otlpTraceId('b'.repeat(16), null), '0'.repeat(16) + 'b'.repeat(16));
    assert.equal(otlpTraceId('b'.repeat(16), 'a'.repeat(16) + 'b'.repeat(16)), 'a'.repeat(16) + 'b'.repeat(16));
    assert.equal(otlpTraceId('b'.repeat(16), 'a'.repeat(32)), '0'.repeat(16) + 'b'.repeat(16));
    // 17 to 31 digits came in our own header
    assert.equal(otlpTraceId('b'.repeat(16), `a${'b'.repeat(16)}`), `${'0'.repeat(16)}${'b'.repeat(16)}`);
  });
});
