import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Redactor } from '../../../src/redaction/redactor.js';
import { errorText } from '../../../src/spans/error-text.js';
import { makeEncodeContext } from '../../../src/spans/instana-json.js';
import { HttpAttributes, SpanRecord } from '../../../src/spans/span.js';
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
    span.sdkAttributes().tags['user'] = 'joe';
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
      redactor: new Redactor({ matcher: 'equals', keywords: ['token'] }),
    };
    assert.equal(fixture.only().data.http?.params, 'token=<redacted>&key=2');
  });

  it('carries no more frames than configured, none for a length of 0', () => {
    for (const stackTraceLength of [0, 2]) {
      const fixture = new Fixture();
      fixture.encodeContext = makeEncodeContext(fixture.encodeContext.redactor, null, stackTraceLength);
      const span = fixture.entry();
      span.stack = [{ m: 'a' }, { m: 'b' }, { m: 'c' }];
      fixture.recorder.finish(span);
      assert.equal(fixture.only().stack?.length, stackTraceLength);
    }
  });

  it('is JSON, whatever its texts contain', () => {
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

describe('a manual span', () => {
  it('shows no value whose key is secret, at any depth and of any kind', () => {
    const fixture = new Fixture();
    const tags = {
      password: 'm',
      'db.passphrase': 7,
      apiKey: { nested: 'm' },
      user: { name: 'joe', secrets: ['m'], list: [{ pass: true, ok: 1 }] },
      map: new Map([['key', 'm']]),
      nothing: { password: null },
    };
    fixture.tracer.startSpan('x', { tags }).finish();
    assert.deepEqual(fixture.only().data.sdk?.custom?.tags, {
      password: '<redacted>',
      'db.passphrase': '<redacted>',
      apiKey: '<redacted>',
      user: { name: 'joe', secrets: '<redacted>', list: [{ pass: '<redacted>', ok: 1 }] },
      map: { key: '<redacted>' },
      nothing: { password: '<redacted>' },
    });
  });

  it('shows no secret in the texts of tags, logs, errors and its name', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('GET http://u:m@h/?pass=m', {
      tags: {
        'http.url': 'https://u:m@h/a?b=1&p%61ss=m(m',
        'http.params': 'b=1&pass=m(m',
        plain: 'pass=m, else nothing',
        list: ['/?key=m', '//u:m@h'],
        error: true,
      },
    });
    span.log({ event: 'miss', key: 'k', password: 'm', url: '/?key=m' }, 5);
    span.log({ event: 'error', 'error.object': new Error('GET http://u:m@h failed, {"secret":"m"}') }, 6);
    fixture.recorder.expire(0, () => assert.fail('spans by hand are not watched'));
    span.finish();
    const { sdk } = fixture.only().data;
    assert.equal(sdk?.name, 'GET http://<redacted>:<redacted>@h/?pass=<redacted>');
    assert.deepEqual(sdk?.custom?.tags, {
      'http.url': 'https://<redacted>:<redacted>@h/a?b=1&p%61ss=<redacted>',
      'http.params': 'b=1&pass=<redacted>',
      plain: 'pass=<redacted>, else nothing',
      list: ['/?key=<redacted>', '//<redacted>:<redacted>@h'],
      message: 'Error: GET http://<redacted>:<redacted>@h failed, {"secret":"<redacted>"}',
    });
    const logs = sdk?.custom?.logs as Record<string, Record<string, unknown>>;
    assert.deepEqual(logs['5'], { event: 'miss', key: 'k', password: '<redacted>', url: '/?key=<redacted>' });
    assert.equal(
      logs['6']?.['error.object'],
      'Error: GET http://<redacted>:<redacted>@h failed, {"secret":"<redacted>"}',
    );
  });

  it('shows everything when no name is secret, but no credentials', () => {
    const fixture = new Fixture();
    fixture.encodeContext = makeEncodeContext(new Redactor({ matcher: 'none', keywords: [] }), null, 10);
    fixture.tracer.startSpan('x', { tags: { password: 'm', url: 'http://u:m@h/?key=m' } }).finish();
    assert.deepEqual(fixture.only().data.sdk?.custom?.tags, {
      password: 'm',
      url: 'http://<redacted>:<redacted>@h/?key=m',
    });
  });

  it('shows an error without the credentials that its cut has torn apart', () => {
    const fixture = new Fixture();
    const span = fixture.entry();
    assert.ok(span.http !== null);
    span.http.error = errorText(new Error(`${'x'.repeat(175)} http://user:password@host/`));
    fixture.recorder.finish(span);
    assert.equal(fixture.only().data.http?.error, `Error: ${'x'.repeat(175)} http://`);
  });
});

describe('what an application may put anywhere', () => {
  it('shows no secret in the names of tags and members, and in symbols', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    span.setTag('http://u:m@h/', 1);
    span.setTag('x?password=m', 1);
    span.setTag('map', new Map([['http://u:m@h', 1]]));
    span.setTag('object', { '//u:m@h': { 'a b': 1 } });
    span.setTag('symbol', Symbol('password=m'));
    span.finish();
    assert.deepEqual(fixture.only().data.sdk?.custom?.tags, {
      'http://<redacted>:<redacted>@h/': 1,
      'x?password=<redacted>': '<redacted>',
      map: { 'http://<redacted>:<redacted>@h': 1 },
      object: { '//<redacted>:<redacted>@h': { 'a b': 1 } },
      symbol: 'Symbol(password=<redacted>)',
    });
  });

  it('shows no credentials of headers in tags, and none in front of a host', () => {
    const fixture = new Fixture();
    const { traceId, spanId } = fixture.entry();
    const facts = new HttpAttributes('GET', '/', 'u:m@h');
    const entry = new SpanRecord('node.http.server', 1, traceId, spanId, null, null, 0, 0, facts);
    fixture.recorder.open(entry);
    fixture.recorder.finish(entry);
    const headers = {
      authorization: 'Basic m',
      cookie: 'm',
      'Set-Cookie': ['m'],
      'proxy-authorization': 'm',
      accept: '*',
    };
    fixture.tracer.startSpan('x', { tags: { headers, 'http.host': 'u:m@h' } }).finish();
    const [http, manual] = fixture.drain();
    assert.equal(http?.data.http?.host, '<redacted>@h');
    assert.deepEqual(manual?.data.sdk?.custom?.tags, {
      headers: {
        authorization: '<redacted>',
        cookie: '<redacted>',
        'Set-Cookie': '<redacted>',
        'proxy-authorization': '<redacted>',
        accept: '*',
      },
      'http.host': '<redacted>@h',
    });
  });

  it('shows no secret in the frames of a stack', () => {
    const fixture = new Fixture();
    const lines = ['Error', '    at http://u:m@h/x (/a.js:1:1)', '    at login(password=m) (/b.js?key=m:2:2)'];
    for (const stack of [{ stack: lines.join('\n') }, [{ m: 'http://u:m@h/x' }, { m: 'f', c: '/b.js?key=m' }]]) {
      const span = fixture.entry();
      span.stack = stack;
      fixture.recorder.finish(span);
    }
    const [fromText, fromFrames] = fixture.drain();
    assert.deepEqual(fromText?.stack, [
      { m: 'http://<redacted>:<redacted>@h/x', c: '/a.js', n: 1 },
      { m: 'login(password=<redacted>)', c: '/b.js?key=<redacted>', n: 2 },
    ]);
    assert.deepEqual(fromFrames?.stack, [
      { m: 'http://<redacted>:<redacted>@h/x' },
      { m: 'f', c: '/b.js?key=<redacted>' },
    ]);
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
