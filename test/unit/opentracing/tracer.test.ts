import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as opentracing from 'opentracing';
import { InstanaSpanContext } from '../../../src/opentracing/span-context.js';
import { Fixture } from '../spans/fixtures.js';

const { FORMAT_HTTP_HEADERS, FORMAT_TEXT_MAP } = opentracing;

function contextOf(span: opentracing.Span): InstanaSpanContext {
  const context = span.context();
  assert.ok(context instanceof InstanaSpanContext);
  return context;
}

describe('the parent of a manual span', () => {
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
