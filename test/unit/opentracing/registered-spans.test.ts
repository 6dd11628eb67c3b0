// Spans by hand that have an operation name of the Python sensor's: on the wire they are spans of the protocol.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { Fixture } from '../spans/fixtures.js';

function sent(name: string, tags: Record<string, unknown>, change?: (fixture: Fixture) => void): WireSpan {
  const fixture = new Fixture();
  change?.(fixture);
  const parent = fixture.tracer.startSpan('parent');
  fixture.tracer.startSpan(name, { childOf: parent, tags }).finish();
  return fixture.only();
}

const httpTags = {
  'http.url': '/shop?user=joe',
  'http.method': 'GET',
  'http.host': 'shop.example:8000',
  'http.status_code': '500',
  'http.params': 'password=geheim',
  ec: 1,
};

describe('a span by hand whose operation name is that of a protocol', () => {
  for (const name of ['wsgi', 'django']) {
    it(`${name} is an HTTP entry; the query is redacted, other tags stay tags`, () => {
      const span = sent(name, httpTags);
      assert.deepEqual([span.n, span.k, span.ec, span.stack], ['node.http.server', 1, 1, []]);
      assert.deepEqual(span.data, {
        http: {
          method: 'GET',
          url: '/shop',
          params: 'user=joe&password=<redacted>',
          host: 'shop.example:8000',
          status: 500,
        },
        sdk: { custom: { tags: { ec: 1 } } },
      });
    });
  }

  it('takes host and path out of the whole address of a server, credentials not', () => {
    const { data } = sent('wsgi', { 'http.url': 'http://joe:geheim@shop.example:8000?a=1#part', 'http.method': 'PUT' });
    assert.deepEqual(data, { http: { method: 'PUT', url: '/', params: 'a=1', host: 'shop.example:8000' } });
  });

  it('urllib3 is an HTTP exit with the whole address, without credentials and query', () => {
    const tags = { 'http.url': 'http://joe:geheim@stock.example/items?key=1#x', 'http.method': 'POST' };
    const span = sent('urllib3', { ...tags, 'http.status_code': 404 });
    assert.deepEqual([span.n, span.k, span.ec], ['node.http.client', 2, 0]);
    assert.deepEqual(span.data, {
      http: {
        method: 'POST',
        url: 'http://<redacted>:<redacted>@stock.example/items',
        params: 'key=<redacted>',
        status: 404,
      },
    });
    assert.ok((span.stack ?? []).length > 0);
    const { data } = sent('urllib3', { 'http.url': '/items', 'http.host': 'stock.example', 'http.method': 'GET' });
    assert.equal(data.http?.url, 'http://stock.example/items');
  });

  it('soap is an HTTP exit with its action', () => {
    const span = sent('soap', { 'http.url': 'http://s/ws', 'http.method': 'POST', 'soap.action': 'ask', extra: true });
    assert.deepEqual([span.n, span.k], ['node.http.client', 2]);
    assert.deepEqual(span.data, {
      http: { method: 'POST', url: 'http://s/ws' },
      soap: { action: 'ask' },
      sdk: { custom: { tags: { extra: true } } },
    });
    assert.deepEqual(sent('soap', { 'soap.action': 'ask' }).data, { soap: { action: 'ask' } });
  });

  it('memcache is a memcached exit', () => {
    const tags = {
      'memcache.key': 'cart-7',
      'memcache.operation': 'get',
      'peer.hostname': 'cache',
      'peer.port': 11211,
    };
    const span = sent('memcache', tags);
    assert.deepEqual([span.n, span.k], ['memcached', 2]);
    assert.deepEqual(span.data, { memcached: { operation: 'get', key: 'cart-7', connection: 'cache:11211' } });
  });

  for (const [name, k] of [
    ['rpc-client', 2],
    ['rpc-server', 1],
  ] as const) {
    it(`${name} is an RPC span, its port a text`, () => {
      const tags = { 'rpc.call': 'shop.Cart/Add', 'rpc.flavor': 'grpc', 'peer.hostname': 'cart', 'peer.port': 50051 };
      const span = sent(name, { ...tags, component: 'grpc' });
      assert.deepEqual([span.n, span.k], [name, k]);
      assert.deepEqual(span.data, {
        rpc: { call: 'shop.Cart/Add', flavor: 'grpc', host: 'cart', port: '50051' },
        sdk: { custom: { tags: { component: 'grpc' } } },
      });
    });
  }

  it('has its error in the section of the protocol, and its logs and service beside it', () => {
    const fixture = new Fixture();
    fixture.encodeContext = { ...fixture.encodeContext, serviceName: 'cart' };
    const span = fixture.tracer.startSpan('rpc-client', { tags: { 'rpc.call': 'a/b' } });
    span.log({ event: 'error', 'error.object': new TypeError('refused') }, 1_700_000_000_000);
    span.finish();
    const { ec, data } = fixture.only();
    assert.equal(ec, 1);
    assert.deepEqual(data['rpc'], { call: 'a/b', error: 'TypeError: refused' });
    assert.deepEqual(data.sdk, {
      custom: {
        tags: {},
        logs: { 1700000000000: { event: 'error', 'error.object': 'TypeError: refused' } },
      },
    });
    assert.equal(data.service, 'cart');
    const failed = new Fixture();
    const call = failed.tracer.startSpan('urllib3', { tags: { 'http.url': 'http://a/b', 'http.method': 'GET' } });
    call.log({ event: 'error', message: 'no route to password=geheim' });
    call.finish();
    assert.equal(failed.only().data.http?.error, 'no route to password=<redacted>');
  });

  it('counts as of its kind from the start: a call made under an exit is no second one', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    fixture.tracer.withActiveSpan(span, () => assert.equal(fixture.scope.get()?.kind, 1));
    span.setOperationName('urllib3');
    fixture.tracer.withActiveSpan(span, () => assert.equal(fixture.scope.get()?.kind, 2));
  });

  it('keeps what does not fit the section as tags', () => {
    const odd = { 'http.status_code': 'teapot', 'http.url': { href: '/x' }, 'http.method': 'GET' };
    const { data } = sent('wsgi', odd);
    assert.deepEqual(data, {
      http: { method: 'GET', url: '' },
      sdk: { custom: { tags: { 'http.status_code': 'teapot', 'http.url': { href: '/x' } } } },
    });
  });

  it('without any tag is still one', () => {
    const span = sent('django', {});
    assert.deepEqual([span.n, span.k, span.data], ['node.http.server', 1, {}]);
  });
});

describe('a span by hand of any other name', () => {
  it('keeps component, peer and http tags as tags', () => {
    const tags = { component: 'x', 'peer.service': 'y', 'peer.port': 80, 'http.url': '/', 'http.method': 'GET' };
    const span = sent('WSGI', tags);
    assert.equal(span.n, 'sdk');
    assert.deepEqual(span.data.sdk, { name: 'WSGI', type: 'intermediate', custom: { tags } });
  });
});
