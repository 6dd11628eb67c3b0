// undici's messages, made by the test: which spans come of them, and which headers are added.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fetchClient } from '../../../../src/instrumentation/http/fetch.js';
import { suppressed } from '../../../../src/spans/active-span.js';
import { HttpAttributes, SpanRecord } from '../../../../src/spans/span.js';
import { ToolBox } from '../tool-box.js';

const traceId = '8448eb211c80319c';
const spanId = '00f067aa0ba902b7';

/** undici's request object, with what was added to it. */
class FakeRequest {
  readonly origin: string = 'http://a:1';
  readonly path: string = '/b?c=1';
  readonly method: string = 'PUT';
  headers: unknown;
  readonly upgrade: string | null;
  readonly added: Record<string, string> = {};

  constructor(headers: unknown = [], upgrade: string | null = null) {
    this.headers = headers;
    this.upgrade = upgrade;
  }

  addHeader(name: string, value: string): void {
    this.added[name.toLowerCase()] = value;
  }
}

class Channels {
  readonly box: ToolBox;
  readonly #handlers: Readonly<Record<string, (message: unknown) => void>>;

  constructor(code: object = {}, isDisabled = false) {
    this.box = new ToolBox(code);
    this.#handlers = fetchClient.channels({ ...this.box.tools, state: { isDisabled } }, () => {});
  }

  publish(channel: 'create' | 'headers' | 'trailers' | 'error', message: unknown): void {
    const handler = this.#handlers[`undici:request:${channel}`];
    assert.ok(handler);
    handler(message);
  }

  /** Publishes the creation of a request inside a span. */
  create(request: unknown): void {
    const http = new HttpAttributes('GET', '/', null);
    const entry = new SpanRecord('node.http.server', 1, traceId, spanId, null, null, 0, 0, http);
    this.box.scope.apply(entry, () => this.publish('create', { request }), undefined, []);
  }
}

describe('a request of fetch', () => {
  it('is an exit span from its creation to the end of its body, and sends trace headers', () => {
    const channels = new Channels();
    const request = new FakeRequest();
    channels.create(request);
    channels.publish('headers', { request, response: { statusCode: 201, headers: [] } });
    assert.deepEqual(channels.box.spans(), []);
    channels.publish('trailers', { request });
    const [span] = channels.box.spans();
    assert.deepEqual([span?.t, span?.p, span?.k, span?.ec], [traceId, spanId, 2, 0]);
    assert.deepEqual(span?.data.http, { method: 'PUT', url: 'http://a:1/b', params: 'c=1', status: 201 });
    assert.deepEqual(
      [request.added['x-instana-t'], request.added['x-instana-s'], request.added['x-instana-l']],
      [traceId, span?.s, '1'],
    );
    assert.ok(request.added['traceparent']?.includes(span?.s ?? '-'));
  });

  it('has the status of the last response, and of no informational one', () => {
    const channels = new Channels();
    const request = new FakeRequest();
    channels.create(request);
    for (const statusCode of [103, 'x', 404]) channels.publish('headers', { request, response: { statusCode } });
    channels.publish('trailers', { request });
    assert.equal(channels.box.spans()[0]?.data.http?.status, 404);
  });

  it('fails with its error', () => {
    const channels = new Channels();
    const request = new FakeRequest();
    channels.create(request);
    channels.publish('error', { request, error: new Error('refused') });
    const [span] = channels.box.spans();
    assert.deepEqual([span?.ec, span?.data.http?.error], [1, 'Error: refused']);
  });

  it('does not fail if its body is aborted after the head has arrived', () => {
    const channels = new Channels();
    const request = new FakeRequest();
    channels.create(request);
    channels.publish('headers', { request, response: { statusCode: 200 } });
    channels.publish('error', { request, error: { name: 'AbortError' } });
    const [span] = channels.box.spans();
    assert.deepEqual([span?.ec, span?.data.http?.error, span?.data.http?.status], [0, undefined, 200]);
  });

  it('that is upgraded has no span, and sends the context of its parent', () => {
    const channels = new Channels();
    const request = new FakeRequest([], 'websocket');
    channels.create(request);
    assert.equal(request.added['x-instana-s'], spanId);
    channels.publish('trailers', { request });
    assert.deepEqual(channels.box.spans(), []);
  });

  it('in a suppressed request sends the level', () => {
    const channels = new Channels();
    const request = new FakeRequest();
    channels.box.scope.apply(suppressed, () => channels.publish('create', { request }), undefined, []);
    assert.deepEqual([request.added['x-instana-l'], request.added['x-instana-t']], ['0', undefined]);
  });

  it('sends nothing outside a span, and if fetch is disabled', () => {
    const outside = new FakeRequest();
    new Channels().publish('create', { request: outside });
    const disabled = new FakeRequest();
    new Channels({}, true).create(disabled);
    assert.deepEqual([outside.added, disabled.added], [{}, {}]);
  });

  for (const [form, headers, left] of [
    ['a text of lines', `a: 1\r\nX-Instana-T: ${traceId}\r\n`, 'a: 1\r\n'],
    ['a list of texts', ['a', '1', 'X-Instana-T', traceId], ['a', '1']],
    ['a list of bytes', [Buffer.from('a'), Buffer.from('1'), Buffer.from('x-instana-t'), traceId], ['a', '1']],
  ] as const) {
    it(`replaces headers that were copied from the request being served: ${form}`, () => {
      const channels = new Channels();
      const request = new FakeRequest(typeof headers === 'string' ? headers : [...headers]);
      channels.create(request);
      assert.deepEqual(request.headers, left);
      assert.equal(request.added['x-instana-t'], traceId);
    });
  }

  it('keeps a trace context that the application has set', () => {
    const channels = new Channels();
    const headers = ['x-instana-t', '1111111111111111', 'x-instana-s', '2222222222222222'];
    const request = new FakeRequest([...headers]);
    channels.create(request);
    assert.deepEqual(request.headers, headers);
    assert.deepEqual(request.added, {});
  });

  it('has the configured headers of request and response', () => {
    const channels = new Channels({ tracing: { extraHttpHeaders: ['x-a', 'x-b'] } });
    const request = new FakeRequest('x-a: 1\r\n');
    channels.create(request);
    channels.publish('headers', { request, response: { statusCode: 200, headers: [Buffer.from('X-B'), '2'] } });
    channels.publish('trailers', { request });
    assert.deepEqual(channels.box.spans()[0]?.data.http?.header, { 'x-a': '1', 'x-b': '2' });
  });

  it('of another form has no span, and no error', () => {
    const channels = new Channels();
    const messages = [null, undefined, 7, {}, { request: {} }, { request: { addHeader: 1 } }];
    for (const message of messages) {
      for (const channel of ['create', 'headers', 'trailers', 'error'] as const) channels.publish(channel, message);
    }
    assert.deepEqual(channels.box.spans(), []);
    assert.deepEqual(channels.box.faults.counts(), {});
  });

  it('is let through if our own code fails, and after ten errors it is no longer traced', () => {
    const channels = new Channels();
    const failing = Object.assign(new FakeRequest(), {
      addHeader: () => {
        throw new Error('ours');
      },
    });
    for (let index = 0; index < 20; index++) assert.doesNotThrow(() => channels.create(failing));
    assert.deepEqual(channels.box.faults.counts(), { fetch: 10 });
    const request = new FakeRequest();
    channels.create(request);
    assert.deepEqual(request.added, {});
  });
});
