import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as opentracing from 'opentracing';
import { InstanaSpanContext } from '../../../src/opentracing/opentracing-span.js';
import { Fixture } from '../spans/fixtures.js';

const { FORMAT_HTTP_HEADERS, FORMAT_TEXT_MAP } = opentracing;

function contextOf(span: opentracing.Span): InstanaSpanContext {
  const context = span.context();
  assert.ok(context instanceof InstanaSpanContext);
  return context;
}

describe('a span made by hand', () => {
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

  it('is none when tracing is switched off, and neighbours are told so', () => {
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

describe('the parent of a span made by hand', () => {
  it('is the last child_of reference, also before a later follows_from', () => {
    const fixture = new Fixture();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => fixture.tracer.startSpan(name, { ignoreActiveSpan: true }));
    assert.ok(a && b && c);
    const references = [opentracing.childOf(a), opentracing.childOf(b), opentracing.followsFrom(c)];
    const span = fixture.tracer.startSpan('x', { references });
    assert.equal(contextOf(span).traceId, contextOf(b).traceId);
  });

  it('is the last follows_from when there is no child_of', () => {
    const fixture = new Fixture();
    const [a, b] = ['a', 'b'].map((name) => fixture.tracer.startSpan(name));
    assert.ok(a && b);
    const references = [opentracing.followsFrom(a), opentracing.followsFrom(b)];
    const span = fixture.tracer.startSpan('x', { references });
    assert.equal(contextOf(span).traceId, contextOf(b).traceId);
  });

  it('is the active request unless the caller says otherwise', () => {
    const fixture = new Fixture();
    const entry = fixture.entry();
    fixture.scope.apply(
      entry,
      () => {
        assert.equal(contextOf(fixture.tracer.startSpan('x')).traceId, entry.traceId);
        const root = fixture.tracer.startSpan('x', { ignoreActiveSpan: true });
        assert.notEqual(contextOf(root).traceId, entry.traceId);
        const other = fixture.tracer.startSpan('x', { childOf: root });
        assert.equal(contextOf(other).traceId, contextOf(root).traceId);
      },
      undefined,
      [],
    );
  });

  it('is the childOf option when there are references too', () => {
    const { tracer } = new Fixture();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => tracer.startSpan(name));
    assert.ok(a && b && c);
    const references = [opentracing.childOf(a), opentracing.followsFrom(b)];
    const options = { childOf: c, references };
    assert.equal(contextOf(tracer.startSpan('x', options)).traceId, contextOf(c).traceId);
    assert.equal(contextOf(tracer.startSpan('x', { ...options, childOf: c.context() })).traceId, contextOf(c).traceId);
    assert.equal(options.childOf, c);
    assert.equal(references.length, 2);
  });

  it('passes its sampling and baggage on, from whichever reference it is', () => {
    const { tracer } = new Fixture();
    const before = tracer.startSpan('before', { tags: { 'sampling.priority': 0 } });
    before.setBaggageItem('cart', '3');
    const span = tracer.startSpan('x', { references: [opentracing.followsFrom(before.context())] });
    assert.equal(span.getBaggageItem('cart'), '3');
    assert.equal(contextOf(span).suppressed, true);
  });

  it('is the active one where what is given is nothing', () => {
    const fixture = new Fixture();
    const { tracer, scope } = fixture;
    const entry = fixture.entry();
    const nothings = [undefined, null, {}, { childOf: null }, { childOf: undefined }, { references: [] }];
    for (const options of nothings as opentracing.SpanOptions[]) {
      const span = scope.apply(entry, () => tracer.startSpan('x', options), undefined, []);
      assert.equal(contextOf(span).traceId, entry.traceId);
    }
  });

  it('is none when the reference is to a span of another tracer', () => {
    const fixture = new Fixture();
    const foreign = new opentracing.Tracer().startSpan('foreign');
    const entry = fixture.entry();
    const span = fixture.scope.apply(entry, () => fixture.tracer.startSpan('x', { childOf: foreign }), undefined, []);
    assert.notEqual(contextOf(span).traceId, entry.traceId);
  });

  it('hands its baggage down, but does not get that of its children', () => {
    const fixture = new Fixture();
    const parent = fixture.tracer.startSpan('parent');
    parent.setBaggageItem('cart', 'items 3');
    const child = fixture.tracer.startSpan('child', { childOf: parent });
    child.setBaggageItem('own', '1');
    assert.equal(child.getBaggageItem('cart'), 'items 3');
    assert.equal(parent.getBaggageItem('own'), undefined);
    assert.equal(parent.getBaggageItem('toString'), undefined);
  });
});

describe('the tracer', () => {
  it('knows the active span, automatic or by hand, as an OpenTracing span', () => {
    const fixture = new Fixture();
    const { tracer, scope } = fixture;
    assert.equal(tracer.currentSpan(), null);
    assert.equal(tracer.currentContext(), null);
    const entry = fixture.entry();
    const seen = scope.apply(entry, () => tracer.currentSpan(), undefined, []);
    assert.ok(seen instanceof opentracing.Span);
    assert.equal(seen.context().toTraceId(), entry.traceId);
    assert.equal(seen.context().toSpanId(), entry.spanId);
    const span = tracer.startSpan('x');
    assert.equal(
      tracer.withActiveSpan(span, () => tracer.currentContext()?.toSpanId()),
      contextOf(span).spanId,
    );
  });

  it('returns what the function returns, throws what it throws, and keeps the span through promises', async () => {
    const { tracer } = new Fixture();
    const span = tracer.startSpan('x');
    assert.equal(
      tracer.withActiveSpan(span, () => 7),
      7,
    );
    const error = new Error('x');
    assert.throws(
      () =>
        tracer.withActiveSpan(span, () => {
          throw error;
        }),
      (thrown) => thrown === error,
    );
    const inside = await tracer.withActiveSpan(span, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return tracer.currentContext()?.toSpanId();
    });
    assert.equal(inside, contextOf(span).spanId);
    assert.equal(tracer.currentSpan(), null);
  });

  it('runs the function also with a span of another tracer', () => {
    const { tracer } = new Fixture();
    assert.equal(
      tracer.withActiveSpan(new opentracing.Span(), () => 7),
      7,
    );
  });

  it('lets tags be added to a request, sets its template and does not let it be finished by hand', () => {
    const fixture = new Fixture();
    const entry = fixture.entry();
    const span = fixture.scope.apply(entry, () => fixture.tracer.currentSpan(), undefined, []);
    span?.setTag('user', '4711').setTag('http.path_tpl', '/shop/:id');
    span?.setOperationName('no');
    span?.finish();
    assert.equal(entry.isFinished, false);
    assert.equal(entry.http?.templateFrozen, true);
    fixture.recorder.finish(entry);
    const { data } = fixture.only();
    assert.equal(data.http?.path_tpl, '/shop/:id');
    assert.deepEqual(data.sdk, { custom: { tags: { user: '4711' } } });
  });

  it('counts an error that is told of a request, and gives it the text', () => {
    const fixture = new Fixture();
    const entry = fixture.entry();
    const span = fixture.scope.apply(entry, () => fixture.tracer.currentSpan(), undefined, []);
    span?.log({ event: 'error', 'error.object': new TypeError('no stock') });
    span?.setTag('error', false);
    fixture.recorder.finish(entry);
    const sent = fixture.only();
    assert.equal(sent.ec, 1);
    assert.equal(sent.data.http?.error, 'TypeError: no stock');
    assert.equal(sent.stack?.[0]?.c, __filename);
    const tagged = fixture.entry();
    fixture.scope.apply(tagged, () => fixture.tracer.currentSpan()?.setTag('error', true), undefined, []);
    fixture.recorder.finish(tagged);
    assert.equal(fixture.only().ec, 1);
  });

  it('leaves the body of a generator to whoever runs it, and is active in what a function does with one', async () => {
    const { tracer } = new Fixture();
    const [outer, inner] = [tracer.startSpan('outer'), tracer.startSpan('inner')];
    const current = (): string | undefined => tracer.currentContext()?.toSpanId();
    async function* stream(): AsyncGenerator<string | undefined> {
      yield current();
      await new Promise((resolve) => setTimeout(resolve, 1));
      yield current();
    }
    const made = tracer.withActiveSpan(inner, stream);
    const seen = await tracer.withActiveSpan(outer, async () => {
      const values = [];
      for await (const value of made) values.push(value);
      return values;
    });
    assert.deepEqual(seen, [contextOf(outer).spanId, contextOf(outer).spanId]);
  });

  it('throws for nothing that an application hands in', () => {
    const { tracer } = new Fixture();
    const fail = (): never => {
      throw new Error('trap');
    };
    const hostile = new Proxy({}, { get: fail, ownKeys: fail, getOwnPropertyDescriptor: fail, has: fail, set: fail });
    const getter = Object.defineProperty({}, 'x', { get: fail, enumerable: true });
    // What comes from JavaScript has no types.
    const odd = [null, undefined, 7, 'text', [], {}, hostile, getter, () => 1] as never[];
    for (const value of odd) {
      assert.doesNotThrow(() => tracer.startSpan(value));
      assert.doesNotThrow(() => tracer.startSpan('x', { tags: value }));
      assert.doesNotThrow(() => tracer.startSpan('x', { childOf: value }));
      assert.doesNotThrow(() => tracer.inject(tracer.startSpan('x'), FORMAT_TEXT_MAP, value));
      assert.doesNotThrow(() => tracer.inject(value, FORMAT_TEXT_MAP, {}));
      assert.doesNotThrow(() => tracer.extract(FORMAT_TEXT_MAP, value));
      assert.doesNotThrow(() => tracer.extract(value, {}));
      const span = tracer.startSpan('x');
      assert.doesNotThrow(() => span.addTags(value));
      assert.doesNotThrow(() => span.setTag('a', value));
      assert.doesNotThrow(() => span.log(value));
      assert.doesNotThrow(() => span.log({ a: value }, value));
      assert.doesNotThrow(() => span.setBaggageItem(value, value));
      assert.doesNotThrow(() => span.setOperationName(value));
      assert.doesNotThrow(() => span.finish(value));
    }
    for (const value of odd) assert.doesNotThrow(() => tracer.startSpan('x', value));
    for (const value of odd) assert.doesNotThrow(() => tracer.startSpan('x', { references: value }));
  });

  it('keeps the tags beside one that cannot be read', () => {
    const fixture = new Fixture();
    const get = (): never => {
      throw new Error('trap');
    };
    const tags = Object.defineProperty({ before: 1 }, 'bad', { enumerable: true, get });
    const span = fixture.tracer.startSpan('x');
    span.addTags(Object.defineProperty(tags, 'after', { value: 3, enumerable: true }));
    span.finish();
    assert.deepEqual(fixture.only().data.sdk?.custom?.tags, { before: 1, after: 3 });
  });

  it('sends tags of every kind in a form that can be read, of bounded size', () => {
    const fixture = new Fixture();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const tags = {
      circle,
      big: 10n,
      nan: Number.NaN,
      symbol: Symbol('s'),
      fn: () => 1,
      map: new Map([['a', 1]]),
      date: new Date(Number.NaN),
      buffer: Buffer.alloc(10),
      text: 'x'.repeat(1_000_000),
      keys: Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, index])),
    };
    fixture.tracer.startSpan('x', { tags }).finish();
    const span = fixture.only();
    assert.ok(JSON.stringify(span).length < 64 * 1024);
    assert.equal(span.data.sdk?.custom?.tags?.['big'], '10');
  });

  it('tells once that a format is not supported, and goes on', () => {
    const fixture = new Fixture();
    fixture.tracer.inject(fixture.tracer.startSpan('x'), 'odd', {});
    assert.equal(fixture.tracer.extract('odd', {}), null);
    assert.equal(fixture.warnings.length, 2);
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

describe('another copy of opentracing', () => {
  it('makes references to our spans that are understood', () => {
    const fixture = new Fixture();
    const parent = fixture.tracer.startSpan('parent');
    // What `childOf(span)` of a copy gives that does not know the class of the span.
    const reference = { type: () => 'child_of', referencedContext: () => parent } as unknown as opentracing.Reference;
    fixture.tracer.startSpan('child', { references: [reference] }).finish();
    assert.equal(fixture.only().p, contextOf(parent).spanId);
  });
});

describe('baggage', () => {
  it('is still there when the span was finished and sent', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    span.setBaggageItem('cart', '3');
    span.finish();
    fixture.only();
    assert.deepEqual({ ...contextOf(span).baggage }, { cart: '3' });
  });
});

describe('the binary format', () => {
  it('is 26 bytes, and read again gives the same context', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    const carrier = new opentracing.BinaryCarrier([]);
    fixture.tracer.inject(span, opentracing.FORMAT_BINARY, carrier);
    const { traceId, spanId } = contextOf(span);
    assert.equal(Buffer.from(carrier.buffer as number[]).toString('hex'), `01010000000000000000${traceId}${spanId}`);
    for (const buffer of [carrier.buffer, Uint8Array.from(carrier.buffer as number[])]) {
      const context = fixture.tracer.extract(opentracing.FORMAT_BINARY, { buffer });
      assert.deepEqual([context?.toTraceId(), context?.toSpanId()], [traceId, spanId]);
    }
  });

  it('gives no context for what is not its own', () => {
    const { tracer } = new Fixture();
    for (const carrier of [
      null,
      7,
      {},
      { buffer: 'x' },
      { buffer: [1, 1] },
      { buffer: new Array(26).fill(0) },
      { buffer: [1, 1, ...new Array(24).fill(0)] },
    ])
      assert.equal(tracer.extract(opentracing.FORMAT_BINARY, carrier), null);
  });
});

describe('baggage of others', () => {
  it('is taken up to 64 items and 8,192 characters over all of them', () => {
    const { tracer } = new Fixture();
    const ids = { 'x-instana-t': '1', 'x-instana-s': '2' };
    const many = Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [`x-instana-b-${index}`, 'v']));
    const long = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`x-instana-b-${index}`, 'v'.repeat(1000)]),
    );
    const count = (carrier: object): number =>
      Object.keys((tracer.extract(FORMAT_HTTP_HEADERS, { ...ids, ...carrier }) as InstanaSpanContext).baggage ?? {})
        .length;
    assert.equal(count(many), 64);
    assert.equal(count(long), 8);
  });

  it('never makes a header that Node.js refuses', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    span.setBaggageItem('two words', 'v');
    const headers: Record<string, string> = {};
    fixture.tracer.inject(span, FORMAT_HTTP_HEADERS, headers);
    assert.deepEqual(Object.keys(headers).sort(), ['x-instana-l', 'x-instana-s', 'x-instana-t']);
  });
});
