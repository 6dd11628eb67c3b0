import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as opentracing from 'opentracing';
import { InstanaSpanContext } from '../../../src/opentracing/span-context.js';
import { Fixture } from '../spans/fixtures.js';

const { FORMAT_HTTP_HEADERS, FORMAT_TEXT_MAP } = opentracing;

function contextOf(span: opentracing.Span): InstanaSpanContext {
  const context = span.context();
  assert.ok(context instanceof InstanaSpanContext);
  return context;
}

describe('a manual span', () => {
  it('without a parent is an entry that begins a trace: its trace id is its own id', () => {
    const fixture = new Fixture();
    fixture.tracer.startSpan('job').finish();
    const span = fixture.only();
    assert.equal(span.n, 'sdk');
    assert.equal(span.k, 1);
    assert.equal(span.t, span.s);
    assert.equal(span.p, undefined);
    assert.deepEqual(span.data.sdk, { name: 'job', type: 'entry', custom: { tags: {} } });
  });

  it('with a parent is work in between', () => {
    const fixture = new Fixture();
    const parent = fixture.tracer.startSpan('parent');
    fixture.tracer.startSpan('child', { childOf: parent }).finish();
    const span = fixture.only();
    assert.equal(span.k, 3);
    assert.equal(span.data.sdk?.type, 'intermediate');
    assert.deepEqual([span.t, span.p], [contextOf(parent).traceId, contextOf(parent).spanId]);
  });

  for (const [kind, k, type] of [
    ['server', 1, 'entry'],
    ['consumer', 1, 'entry'],
    ['client', 2, 'exit'],
    ['producer', 2, 'exit'],
    ['soap', 2, 'exit'],
  ] as const) {
    it(`of span.kind ${kind} is an ${type}, and the kind is no tag`, () => {
      const fixture = new Fixture();
      const parent = fixture.tracer.startSpan('parent');
      fixture.tracer.startSpan('x', { childOf: parent, tags: { 'span.kind': kind } }).finish();
      const span = fixture.only();
      assert.equal(span.k, k);
      assert.deepEqual(span.data.sdk, { name: 'x', type, custom: { tags: {} } });
    });
  }

  it('has no parent in a list of references that cannot be read', () => {
    const { proxy, revoke } = Proxy.revocable<[]>([], {});
    revoke();
    const fixture = new Fixture();
    fixture.tracer.startSpan('x', { references: proxy }).finish();
    assert.equal(fixture.only().p, undefined);
  });

  it('keeps a span.kind that nobody knows as a tag', () => {
    const fixture = new Fixture();
    fixture.tracer.startSpan('x', { tags: { 'span.kind': 'odd' } }).finish();
    const span = fixture.only();
    assert.equal(span.k, 1);
    assert.deepEqual(span.data.sdk?.custom?.tags, { 'span.kind': 'odd' });
  });

  it('always says its kind, which the official sensor does not', () => {
    const fixture = new Fixture();
    const root = fixture.tracer.startSpan('root');
    fixture.tracer.startSpan('local', { childOf: root }).finish();
    fixture.tracer.startSpan('out', { childOf: root, tags: { 'span.kind': 'client' } }).finish();
    root.finish();
    assert.deepEqual(
      fixture.drain().map(({ k }) => k),
      [3, 2, 1],
    );
  });

  it('is an error by the tag error, which is no tag then', () => {
    for (const [value, ec] of [
      [true, 1],
      ['true', 1],
      [1, 1],
      [false, 0],
      ['false', 0],
      [0, 0],
    ] as const) {
      const fixture = new Fixture();
      fixture.tracer.startSpan('x', { tags: { error: value } }).finish();
      const span = fixture.only();
      assert.equal(span.ec, ec, String(value));
      assert.deepEqual(span.data.sdk?.custom?.tags, {});
    }
  });

  it('is an error by an error that is logged, with its text and stack', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    span.log({ event: 'error', 'error.object': new TypeError('bad') });
    span.finish();
    const sent = fixture.only();
    assert.equal(sent.ec, 1);
    assert.equal(sent.data.sdk?.custom?.tags?.['message'], 'TypeError: bad');
    assert.equal(sent.stack?.[0]?.c, __filename);
  });

  it('is an error by what is logged without an error object: kind, message and stack', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    span.log({
      event: 'error',
      'error.kind': 'Timeout',
      message: 'too late',
      stack: 'x\n    at work (/app/job.js:7:1)',
    });
    span.finish();
    const sent = fixture.only();
    assert.deepEqual([sent.ec, sent.data.sdk?.custom?.tags?.['message']], [1, 'Timeout: too late']);
    assert.deepEqual(sent.stack, [{ m: 'work', c: '/app/job.js', n: 7 }]);
    const bare = fixture.tracer.startSpan('x');
    bare.log({ event: 'error' });
    bare.finish();
    const { ec, data } = fixture.only();
    assert.deepEqual([ec, data.sdk?.custom?.tags], [1, {}]);
  });

  it('keeps the first error, and a message of the application', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x', { tags: { message: 'mine' } });
    span.log({ event: 'error', 'error.object': new Error('first') });
    span.log({ event: 'retry', 'error.object': new Error('no error of the span') });
    span.finish();
    assert.equal(fixture.only().data.sdk?.custom?.tags?.['message'], 'mine');
  });

  it('has the stack of its error unless stacks are switched off altogether', () => {
    for (const [stackTrace, isShown] of [
      ['all', true],
      ['error', true],
      ['none', false],
    ] as const) {
      const fixture = new Fixture();
      fixture.settings = { ...fixture.settings, stackTrace };
      const span = fixture.tracer.startSpan('x');
      span.log({ event: 'error', 'error.object': new Error('bad') });
      span.finish();
      assert.equal((fixture.only().stack ?? []).length > 0, isShown, stackTrace);
    }
  });

  it('is not reported with a sampling.priority of at most 0, nor are its children', () => {
    for (const priority of [0, -1, '0']) {
      const fixture = new Fixture();
      const span = fixture.tracer.startSpan('x', { tags: { 'sampling.priority': priority } });
      fixture.tracer.startSpan('child', { childOf: span }).finish();
      span.finish();
      assert.deepEqual(fixture.drain(), []);
      const carrier: Record<string, string> = {};
      fixture.tracer.inject(span, FORMAT_HTTP_HEADERS, carrier);
      assert.deepEqual(carrier, { 'x-instana-l': '0' });
    }
    const fixture = new Fixture();
    fixture.tracer.startSpan('x', { tags: { 'sampling.priority': 1 } }).finish();
    assert.deepEqual(fixture.only().data.sdk?.custom?.tags, {});
  });

  it('is reported whatever else its sampling.priority may be', () => {
    const fixture = new Fixture();
    for (const priority of [1, '2', '', ' ', null, undefined, {}, [], false, 'high', Symbol('s'), Number.NaN])
      fixture.tracer.startSpan('x', { tags: { 'sampling.priority': priority } }).finish();
    assert.equal(fixture.drain().length, 12);
  });

  it('has tags of any name', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    const hostile = {
      toString: (): never => {
        throw new Error('trap');
      },
    };
    const odd = span as unknown as { setTag(key: unknown, value: unknown): opentracing.Span }; // JavaScript has no types
    assert.equal(odd.setTag(Symbol('s'), 1), span);
    odd.setTag(hostile, 2);
    odd.setTag(7, 3);
    odd.setTag(null, 4);
    odd.setTag('__proto__', { polluted: 5 });
    odd.setTag('constructor', 6);
    span.finish();
    const tags = fixture.only().data.sdk?.custom?.tags ?? {};
    assert.deepEqual(
      Object.entries(tags).sort(([a], [b]) => a.localeCompare(b)),
      [
        ['__proto__', { polluted: 5 }],
        ['[cannot be read]', 2],
        ['7', 3],
        ['constructor', 6],
        ['null', 4],
        ['Symbol(s)', 1],
      ].sort(([a], [b]) => String(a).localeCompare(String(b))),
    );
  });

  it('has its logs by time, those of one time together', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    span.log({ event: 'cache-miss' }, 1_700_000_000_123);
    span.log({ key: 'k' }, 1_700_000_000_123.7);
    span.logEvent('old', { a: 1 });
    span.finish();
    const logs = fixture.only().data.sdk?.custom?.logs ?? {};
    assert.deepEqual(logs['1700000000123'], { event: 'cache-miss', key: 'k' });
    assert.equal(Object.keys(logs).length, 2);
  });

  it('lasts from its start to its end, by the clock that does not jump', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    fixture.tick += 30;
    fixture.wall -= 3_600_000;
    span.finish();
    const { d, ts } = fixture.only();
    assert.equal(d, 30);
    assert.equal(ts, 1_700_000_000_000);
  });

  it('lasts what lies between the times that the application gave', () => {
    const fixture = new Fixture();
    fixture.tracer.startSpan('x', { startTime: 1_600_000_000_000 }).finish(1_600_000_000_250);
    const span = fixture.only();
    assert.deepEqual([span.ts, span.d], [1_600_000_000_000, 250]);
  });

  it('never lasts less than nothing, whatever times it is given', () => {
    for (const [startTime, finishTime] of [
      [1_600_000_000_000, 1_500_000_000_000],
      [Number.NaN, Number.NaN],
      [-1e308, 1e308],
      [0, Number.POSITIVE_INFINITY],
    ] as const) {
      const fixture = new Fixture();
      fixture.tracer.startSpan('x', { startTime }).finish(finishTime);
      const { d, ts } = fixture.only();
      assert.ok(d >= 0 && Number.isInteger(ts), `${startTime} ${finishTime}: ${d} ${ts}`);
    }
  });

  it('changes no more after its end, and ends once', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    span.finish();
    span.setTag('late', 1).log({ late: 1 }).setBaggageItem('late', '1').setOperationName('late');
    span.finish();
    assert.deepEqual(fixture.only().data.sdk, { name: 'x', type: 'entry', custom: { tags: {} } });
    assert.equal(span.getBaggageItem('late'), undefined);
    assert.equal(fixture.notes.length, 1);
    assert.match(fixture.notes[0] ?? '', new RegExp(`ignored: trace ${contextOf(span).traceId}`));
  });

  it('that is never finished costs the sensor nothing but a count', () => {
    const fixture = new Fixture();
    for (let index = 0; index < 10_000; index++) fixture.tracer.startSpan('x');
    fixture.recorder.expire(0, () => assert.fail('held'));
    assert.equal(fixture.recorder.counters().opened, 10_000);
  });

  it('and that nobody holds any more is collected, its tags with it', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const fixture = new Fixture();
    const references: WeakRef<object>[] = [];
    const make = (index: number): void => {
      const tag = { index };
      const span = fixture.tracer.startSpan('x', { tags: { tag } });
      fixture.tracer.withActiveSpan(span, () => fixture.tracer.startSpan('child').setTag('tag', tag));
      references.push(new WeakRef(span), new WeakRef(tag));
    };
    for (let index = 0; index < 100; index++) make(index);
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    assert.equal(references.filter((reference) => reference.deref() !== undefined).length, 0);
  });

  it('carries the frames of the code that started it, unless told not to', () => {
    const fixture = new Fixture();
    fixture.tracer.startSpan('x').finish();
    assert.equal(fixture.only().stack?.[0]?.c, __filename);
    for (const settings of [
      { enabled: true, stackTrace: 'error', stackTraceLength: 10 },
      { enabled: true, stackTrace: 'none', stackTraceLength: 10 },
      { enabled: true, stackTrace: 'all', stackTraceLength: 0 },
    ]) {
      fixture.settings = settings;
      fixture.tracer.startSpan('x').finish();
      assert.deepEqual(fixture.only().stack, []);
    }
  });

  it('has those frames up to a hundred times a second', () => {
    const fixture = new Fixture();
    const count = (): number => {
      for (let index = 0; index < 150; index++) fixture.tracer.startSpan('x').finish();
      return fixture.drain().filter(({ stack }) => (stack ?? []).length > 0).length;
    };
    assert.deepEqual([count(), count()], [100, 0]);
    fixture.tick += 1000;
    assert.equal(count(), 100);
  });

  it('is none when tracing is switched off, and called services get level 0', () => {
    const fixture = new Fixture();
    fixture.settings = { ...fixture.settings, enabled: false };
    const span = fixture.tracer.startSpan('x');
    span.finish();
    const carrier: Record<string, string> = {};
    fixture.tracer.inject(span, FORMAT_TEXT_MAP, carrier);
    assert.deepEqual(fixture.drain(), []);
    assert.deepEqual(carrier, { 'x-instana-l': '0' });
  });
});

describe('a span with a start time of its own', () => {
  it('lasts as long when its end comes through currentSpan()', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('job', { startTime: fixture.wall - 5000 });
    fixture.tick += 20;
    fixture.tracer.withActiveSpan(span, () => fixture.tracer.currentSpan()?.finish());
    assert.equal(fixture.only().d, 5020);
  });
});
