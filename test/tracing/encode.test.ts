import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeEncodeContext } from '../../src/tracing/encode.js';
import { Secrets } from '../../src/wire/secrets.js';
import { Fixture } from './fixtures.js';

describe('a span on the wire', () => {
  it('has exactly the members that it has values for', () => {
    const fixture = new Fixture();
    const span = fixture.entry('/a?b=1');
    fixture.tick += 12.4;
    fixture.recorder.finish(span);
    assert.deepEqual(fixture.only(), {
      t: span.traceId,
      s: span.spanId,
      n: 'node.http.server',
      k: 1,
      f: { e: '4711', h: 'uuid' },
      ec: 0,
      ts: fixture.wall,
      d: 12,
      stack: [],
      data: { http: { method: 'GET', url: '/a', params: 'b=1', host: 'localhost' } },
    });
  });

  it('has all members when there are values for all', () => {
    const fixture = new Fixture();
    fixture.encodeContext = { ...fixture.encodeContext, serviceName: 'a "shop"' };
    const span = fixture.entry();
    span.correlationType = 'web';
    span.correlationId = 'abc';
    span.synthetic = true;
    span.errorCount = 1;
    const { http } = span;
    assert.ok(http);
    http.status = 500;
    http.template = '/x/"y"';
    http.error = 'Error: "bad"\n';
    http.headers = { 'x-a': 'b' };
    span.sdkFacts().tags['user'] = 'joe';
    span.stack = [{ m: 'f', c: '/x.js', n: 1 }];
    fixture.recorder.finish(span);
    const sent = fixture.only();
    assert.deepEqual(
      { crtp: sent.crtp, crid: sent.crid, sy: sent.sy, ec: sent.ec, stack: sent.stack, data: sent.data },
      {
        crtp: 'web',
        crid: 'abc',
        sy: true,
        ec: 1,
        stack: [{ m: 'f', c: '/x.js', n: 1 }],
        data: {
          http: {
            method: 'GET',
            url: '/',
            host: 'localhost',
            status: 500,
            path_tpl: '/x/"y"',
            header: { 'x-a': 'b' },
            error: 'Error: "bad"\n',
          },
          sdk: { custom: { tags: { user: 'joe' } } },
          service: 'a "shop"',
        },
      },
    );
  });

  it('is redacted with the rule in force when it is sent, not when it was made', () => {
    const fixture = new Fixture();
    fixture.finished('/?token=1&key=2');
    fixture.encodeContext = {
      ...fixture.encodeContext,
      secrets: new Secrets({ matcher: 'equals', keywords: ['token'] }),
    };
    assert.equal(fixture.only().data.http?.params, 'token=<redacted>&key=2');
  });

  it('carries no more frames than configured, none for a length of 0', () => {
    for (const stackTraceLength of [0, 2]) {
      const fixture = new Fixture();
      fixture.encodeContext = makeEncodeContext(fixture.encodeContext.secrets, null, stackTraceLength);
      const span = fixture.entry();
      span.stack = [{ m: 'a' }, { m: 'b' }, { m: 'c' }];
      fixture.recorder.finish(span);
      assert.equal(fixture.only().stack?.length, stackTraceLength);
    }
  });

  it('is JSON whatever stands in its texts', () => {
    const hostile = '"\\\u0000\u2028\ud800</script>\r\n';
    const fixture = new Fixture();
    const span = fixture.entry(`/${hostile}?${hostile}`);
    const { http } = span;
    assert.ok(http);
    http.template = hostile;
    http.error = hostile;
    fixture.encodeContext = { ...fixture.encodeContext, serviceName: hostile };
    fixture.recorder.finish(span);
    const { data } = fixture.only();
    assert.equal(data.http?.path_tpl, hostile);
    assert.equal(data.service, hostile);
  });

  it('does not depend on a JSON.stringify that an application has replaced', () => {
    const fixture = new Fixture();
    fixture.finished('/a');
    const original = JSON.stringify;
    let body: string | undefined;
    try {
      JSON.stringify = () => 'replaced';
      body = String(fixture.recorder.take('1', 'h')?.body);
    } finally {
      JSON.stringify = original;
    }
    assert.doesNotThrow(() => JSON.parse(body ?? ''), body);
  });
});

describe('an application that changes what Node.js gives everybody', () => {
  it('costs no span when its Error.prepareStackTrace throws', () => {
    const { prepareStackTrace } = Error;
    const fixture = new Fixture();
    fixture.tracer.startSpan('x').finish();
    try {
      Error.prepareStackTrace = (error) => error.message.toUpperCase();
      assert.deepEqual(fixture.only().stack, []);
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
    }
  });

  it('changes no stack by a toJSON on all objects', () => {
    const fixture = new Fixture();
    fixture.tracer.startSpan('x').finish();
    Object.defineProperty(Object.prototype, 'toJSON', { value: () => 'hidden', configurable: true });
    try {
      assert.ok((fixture.only().stack ?? []).length > 0);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'toJSON');
    }
  });
});
