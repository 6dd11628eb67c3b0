// Tags, logs, baggage, names and times may be anything that a program holds: nothing throws, and the span arrives, bounded.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as opentracing from 'opentracing';
import { InstanaSpanContext } from '../../../src/opentracing/span-context.js';
import { keepLog, keepTag, markOmitted, operationName, textOf } from '../../../src/opentracing/tag-limits.js';
import { boundedJson } from '../../../src/redaction/bounded-json.js';
import { SdkAttributes } from '../../../src/spans/span.js';
import { Fixture } from '../spans/fixtures.js';

const fail = (): never => {
  throw new Error('trap');
};

/** Things that break what looks at them. */
function hostiles(): unknown[] {
  const traps = Object.fromEntries(
    ['get', 'set', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'].map((name) => [name, fail]),
  );
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const revokedList = Proxy.revocable([], {});
  revokedList.revoke();
  const circle: unknown[] = [];
  circle.push({ circle });
  class Endless extends Map<unknown, unknown> {
    override *entries(): MapIterator<[unknown, unknown]> {
      for (;;) yield [1, 1];
    }
  }
  let wide: unknown[] = [];
  for (let level = 0; level < 9; level++) wide = Array.from({ length: 200 }, () => wide);
  let deep: unknown = 1;
  for (let level = 0; level < 10_000; level++) deep = { deep };
  return [
    new Proxy({}, traps),
    new Proxy([], traps),
    new Proxy(() => 1, traps),
    revoked.proxy,
    revokedList.proxy,
    circle,
    wide,
    deep,
    new Endless([[1, 1]]),
    new Map<unknown, unknown>([[{ toString: fail }, fail]]),
    Array.from({ length: 10_000 }, () => undefined),
    Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, undefined])),
    Object.defineProperty({}, 'bad', { enumerable: true, get: fail }),
    Object.defineProperty(new Error('x'), 'message', { get: fail }),
    Object.create(Date.prototype),
    { toJSON: fail, toString: fail, valueOf: fail, [Symbol.toPrimitive]: fail },
    { constructor: null },
    JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
    Symbol('s'),
    10n ** 5000n,
    'x'.repeat(1_000_000),
    '\0'.repeat(100_000),
    '\ud800'.repeat(50_000),
    '\u{1f600}'.repeat(50_000),
    new Float64Array(1000),
    new Date(Number.NaN),
    Promise.resolve(),
  ];
}

const names = ['error', 'span.kind', 'sampling.priority', 'http.path_tpl', '__proto__', 'constructor', 'message', '…'];

/** How a value is made: what generates cases must not look at the value itself. */
type Recipe =
  | { readonly plain: unknown }
  | { readonly hostile: number }
  | { readonly list: readonly Recipe[] }
  | { readonly members: readonly (readonly [string, Recipe])[] };

const all = hostiles();

function make(recipe: Recipe): unknown {
  if ('plain' in recipe) return recipe.plain;
  if ('hostile' in recipe) return all[recipe.hostile];
  if ('list' in recipe) return recipe.list.map(make);
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, member] of recipe.members) object[key] = make(member);
  return object;
}

function anything(): fc.Arbitrary<Recipe> {
  const plain: fc.Arbitrary<Recipe> = fc.record({
    plain: fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
    }),
  });
  const hostile: fc.Arbitrary<Recipe> = fc.record({ hostile: fc.nat({ max: all.length - 1 }) });
  const key = fc.oneof(fc.constantFrom(...names), fc.string());
  const one = fc.oneof(plain, hostile);
  return fc.oneof(
    plain,
    hostile,
    fc.record({ list: fc.array(one) }),
    fc.record({ members: fc.array(fc.tuple(key, one)) }),
  );
}

describe('JSON of anything', () => {
  it('can be parsed, and is no longer than its budget and what marks the end', () => {
    fc.assert(
      fc.property(anything(), fc.constantFrom(100, 1000, 32_768), (recipe, budget) => {
        const json = boundedJson(make(recipe), budget);
        JSON.parse(json);
        // A mark on each level, and the last text.
        assert.ok(Buffer.byteLength(json) <= budget + 600, `${budget}: ${Buffer.byteLength(json)}`);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a span by hand with anything in it', () => {
  it('arrives once, whole or with marks, and no call throws', () => {
    fc.assert(
      fc.property(fc.array(anything(), { minLength: 8, maxLength: 8 }), (recipes) => {
        const fixture = new Fixture();
        // What comes from JavaScript has no types.
        const [name, key, tag, tags, log, time, baggage, other] = recipes.map(make) as never[];
        const span = fixture.tracer.startSpan(name as never, { tags: tags as never, startTime: time as never });
        span.setTag(key as never, tag);
        span.setTag('plain', tag);
        span.setOperationName(other as never);
        span.log(log as never, time as never);
        span.log({ event: 'error', 'error.object': other, message: tag, stack: key });
        span.setBaggageItem(key as never, baggage as never);
        span.getBaggageItem(other as never);
        const isSampled = !(span.context() as InstanaSpanContext).suppressed;
        span.finish(time as never);
        const spans = fixture.drain();
        assert.equal(spans.length, isSampled ? 1 : 0);
        for (const sent of spans) {
          assert.ok(Buffer.byteLength(JSON.stringify(sent)) <= 80 * 1024);
          assert.ok(Number.isInteger(sent.ts) && Number.isInteger(sent.d) && sent.d >= 0);
          assert.equal(sent.ec, 1);
        }
        assert.deepEqual(fixture.lines, []);
        assert.equal(Reflect.get({}, 'polluted'), undefined);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes options and references of any kind', () => {
    fc.assert(
      fc.property(anything(), anything(), (...recipes) => {
        const [one, two] = recipes.map(make);
        const fixture = new Fixture();
        fixture.tracer.startSpan('x', one as never).finish();
        fixture.tracer.startSpan('x', { childOf: one as never, references: two as never }).finish();
        fixture.tracer.startSpan('x', { references: [one as never, two as never] }).finish();
        assert.equal(fixture.drain().filter(({ n }) => n === 'sdk').length, 3);
        assert.equal(
          fixture.tracer.withActiveSpan(one as never, () => 7),
          7,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is written into and read from carriers of any kind', () => {
    const known = fc.constantFrom<Recipe>({ plain: 'http_headers' }, { plain: 'text_map' }, { plain: 'binary' });
    fc.assert(
      fc.property(fc.oneof(known, anything()), anything(), (...recipes) => {
        const [format, carrier] = recipes.map(make);
        const { tracer } = new Fixture();
        tracer.inject(tracer.startSpan('x'), format as never, carrier);
        tracer.inject(carrier as never, format as never, {});
        const context = tracer.extract(format as never, carrier);
        assert.ok(context === null || context instanceof InstanaSpanContext);
      }),
      { numRuns: 1000 },
    );
  });

  it('has a length that is a whole number of milliseconds, whatever clock its times come from', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (startTime, finishTime) => {
        const fixture = new Fixture();
        fixture.tracer.startSpan('x', { startTime }).finish(finishTime);
        const { ts, d } = fixture.only();
        assert.ok(Number.isSafeInteger(ts) && ts >= 0, `${startTime}: ${ts}`);
        assert.ok(Number.isSafeInteger(d) && d >= 0, `${startTime} ${finishTime}: ${d}`);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('baggage of anything', () => {
  it('comes out of a text map as it went in, and out of HTTP headers where the name can be a header', () => {
    const key = fc.stringMatching(/^[a-z0-9_.-]{1,20}$/).filter((name) => name !== '__proto__');
    fc.assert(
      fc.property(fc.dictionary(key, fc.string({ unit: 'grapheme', maxLength: 40 }), { maxKeys: 20 }), (items) => {
        const { tracer } = new Fixture();
        const span = tracer.startSpan('x');
        for (const [name, value] of Object.entries(items)) span.setBaggageItem(name, value);
        for (const format of [opentracing.FORMAT_TEXT_MAP, opentracing.FORMAT_HTTP_HEADERS]) {
          const carrier = {};
          tracer.inject(span, format, carrier);
          const context = tracer.extract(format, carrier) as InstanaSpanContext;
          assert.deepEqual({ ...context.baggage }, { ...items });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is bounded in number and length, told once, and items that are there can be replaced', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    for (let index = 0; index < 1000; index++) span.setBaggageItem(`k${index}`, 'v');
    assert.equal(Object.keys((span.context() as InstanaSpanContext).baggage ?? {}).length, 64);
    span.setBaggageItem('k0', 'w');
    assert.equal(span.getBaggageItem('k0'), 'w');
    span.setBaggageItem('k1', 'v'.repeat(10_000));
    assert.equal(span.getBaggageItem('k1'), 'v');
    assert.ok(fixture.warnings.length > 0);
  });

  it('may be called __proto__', () => {
    const { tracer } = new Fixture();
    const span = tracer.startSpan('x');
    span.setBaggageItem('__proto__', 'polluted');
    const child = tracer.startSpan('y', { childOf: span });
    assert.equal(child.getBaggageItem('__proto__'), 'polluted');
    assert.equal(child.getBaggageItem('toString'), undefined);
  });
});

describe('what is too much for a span', () => {
  it('is left out and counted: tags', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    for (let index = 0; index < 10_000; index++) span.setTag(`k${index}`, index);
    span.setTag('k0', 'changed');
    span.log({ event: 'error', 'error.object': new Error('bad') });
    span.finish();
    const tags = fixture.only().data.sdk?.custom?.tags ?? {};
    assert.equal(Object.keys(tags).length, 200);
    assert.deepEqual([tags['…'], tags['k0'], tags['message']], ['9802 more', 'changed', 'Error: bad']);
  });

  it('is left out and counted: logs, also of a span that is never finished', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    for (let index = 0; index < 5000; index++) span.log({ a: index, b: 'text' }, 1_700_000_000_000 + (index % 100));
    for (let index = 0; index < 5000; index++) span.log({ [`field ${index}`]: 1 }, 1_700_000_000_000);
    span.finish();
    const json = JSON.stringify(fixture.only().data.sdk?.custom?.logs);
    assert.ok(json.length < 40_000, String(json.length));
    assert.match(json, /"…":"\d+ more"/);
  });

  it('is cut and marked: texts, beyond 25,000 characters each and 32 KiB in all', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('n'.repeat(10_000));
    span.setTag('first', 'x'.repeat(1_000_000));
    for (let index = 0; index < 20; index++) span.setTag(`k${index}`, 'y'.repeat(10_000));
    span.setTag('k'.repeat(5000), 1);
    span.finish();
    const { name, custom } = fixture.only().data.sdk ?? {};
    assert.ok((name ?? '').endsWith('…') && (name ?? '').length === 1025);
    const first = String(custom?.tags?.['first']);
    assert.ok(first.endsWith('…') && first.length <= 25_001);
    assert.ok(JSON.stringify(custom?.tags).length < 33_000);
    assert.ok(Object.keys(custom?.tags ?? {}).includes('…'));
  });

  it('does not grow with a tag that is set again and again', () => {
    const fixture = new Fixture();
    const span = fixture.tracer.startSpan('x');
    for (let index = 0; index < 1000; index++) span.setTag('progress', `${'done '.repeat(100)}${index}`);
    span.finish();
    assert.ok(String(fixture.only().data.sdk?.custom?.tags?.['progress']).endsWith('done 999'));
  });
});

describe('the text of a value', () => {
  it('is that of the application, within bounds and without throwing', () => {
    const fail = (): never => {
      throw new Error('trap');
    };
    for (const [value, text] of [
      ['a', 'a'],
      [7, '7'],
      [null, 'null'],
      [undefined, 'undefined'],
      [Symbol('s'), 'Symbol(s)'],
      [10n, '10'],
      [10n ** 5000n, '[bigint]'],
      [[1, 'a'], '[1,"a"]'],
      [new Uint8Array(3), '[Uint8Array of 3 bytes]'],
      [{ toString: fail }, '[cannot be read]'],
      [{ toString: () => 'mine' }, 'mine'],
    ] as const)
      assert.equal(textOf(value), text);
    assert.ok(textOf(Array.from({ length: 10_000 }, () => 'text')).length < 1200);
  });

  it('is cut in the name of an operation', () => {
    assert.equal(operationName('a'.repeat(1024)), 'a'.repeat(1024));
    assert.equal(operationName('a'.repeat(1025)), `${'a'.repeat(1024)}…`);
    assert.equal(operationName(7), '7');
  });
});

describe('tags and logs within their limits', () => {
  it('are kept as they are, with an estimate of their size that does not grow with a replaced tag', () => {
    const sdk = new SdkAttributes('x');
    const before = sdk.estimatedBytes;
    const object = {};
    keepTag(sdk, 'text', 'abc');
    keepTag(sdk, 'object', object);
    keepTag(sdk, 'number', 7);
    keepTag(sdk, 'fn', () => 1);
    assert.deepEqual({ ...sdk.tags }, { text: 'abc', object, number: 7, fn: '[function]' });
    assert.deepEqual([sdk.tagCount, sdk.cutTags, sdk.holdsObjects], [4, 0, true]);
    const filled = sdk.estimatedBytes;
    assert.equal(filled - before, 4 + 3 + 6 + 50 + 6 + 50 + 2 + 50);
    keepTag(sdk, 'text', 'def');
    assert.equal(sdk.estimatedBytes, filled);
    keepLog(sdk, 5, { event: 'a', more: 1 }, ['event', 'more']);
    keepLog(sdk, 5, { event: 'b' }, ['event']);
    assert.deepEqual(JSON.parse(JSON.stringify(sdk.logs)), { 5: { event: 'b', more: 1 } });
    markOmitted(sdk);
    assert.deepEqual([sdk.tags['…'], JSON.stringify(sdk.logs).includes('…')], [undefined, false]);
  });

  it('have a mark in the last entry for fields of logs that were left out', () => {
    const sdk = new SdkAttributes('x');
    for (let index = 0; index < 1100; index++) keepLog(sdk, 1 + (index % 2), { a: 1 }, ['a']);
    markOmitted(sdk);
    assert.equal(sdk.logs?.[1]?.['…'], undefined);
    assert.match(String(sdk.logs?.[2]?.['…']), /^\d+ more$/);
  });

  it('have a placeholder for a field that cannot be read', () => {
    const sdk = new SdkAttributes('x');
    const fields = Object.defineProperty({}, 'bad', {
      enumerable: true,
      get: () => {
        throw new Error('trap');
      },
    });
    keepLog(sdk, 1, fields, ['bad']);
    assert.equal(sdk.logs?.[1]?.['bad'], '[cannot be read]');
  });
});
