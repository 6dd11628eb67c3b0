import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boundedJson } from '../../../src/redaction/bounded-json.js';

function roundTrip(value: unknown, budget?: number): unknown {
  return JSON.parse(boundedJson(value, budget));
}

function hostileProxy(): object {
  const fail = (): never => {
    throw new Error('trap');
  };
  return new Proxy(
    {},
    { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail, set: fail },
  );
}

describe('bounded JSON', () => {
  it('is plain JSON for plain values', () => {
    const value = { text: 'a"b\u2028', number: 1.5, yes: true, nothing: null, list: [1, 'x', { deep: [] }] };
    assert.deepEqual(roundTrip(value), value);
  });

  it('shows what JSON has no form for', () => {
    assert.equal(roundTrip(12n), '12');
    assert.equal(roundTrip(Number.NaN), 'NaN');
    assert.equal(roundTrip(Number.NEGATIVE_INFINITY), '-Infinity');
    assert.equal(roundTrip(Symbol('s')), 'Symbol(s)');
    assert.equal(
      roundTrip(() => 1),
      '[function]',
    );
    assert.equal(roundTrip(undefined), null);
    assert.equal(roundTrip(new Date(0)), '1970-01-01T00:00:00.000Z');
    assert.equal(roundTrip(new Date(Number.NaN)), 'Invalid Date');
    assert.equal(roundTrip(new TypeError('no')), 'TypeError: no');
    assert.match(String(roundTrip(Buffer.from('abc'))), /Buffer of 3 bytes/);
    assert.deepEqual(roundTrip(new Map([['a', 1]])), { a: 1 });
    assert.deepEqual(roundTrip(new Set([1, 2])), [1, 2]);
    assert.deepEqual(roundTrip(Object.create(null)), {});
  });

  it('marks circles and shows what is met twice without a circle', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    assert.deepEqual(roundTrip(circle), { self: '[circular]' });
    const twice = { x: 1 };
    assert.deepEqual(roundTrip([twice, twice]), [{ x: 1 }, { x: 1 }]);
  });

  it('stops at a depth, also at one of 100,000', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = { deep };
    assert.doesNotThrow(() => roundTrip(deep));
    let list: unknown = [];
    for (let level = 0; level < 100_000; level++) list = [list];
    assert.doesNotThrow(() => roundTrip(list));
  });

  it('stops at a number of members and says how many are missing', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, index]));
    const shown = roundTrip(many) as Record<string, unknown>;
    assert.ok(Object.keys(shown).length <= 201);
    assert.equal(shown['…'], '9800 more');
    const list = roundTrip(Array.from({ length: 1000 }, () => 0)) as unknown[];
    assert.equal(list.at(-1), '… 800 more');
  });

  it('cuts long texts', () => {
    const text = String(roundTrip('x'.repeat(1_000_000)));
    assert.ok(text.length <= 25_001);
    assert.ok(text.endsWith('…'));
  });

  it('keeps near its budget, whatever it is given', () => {
    const values: unknown[] = [
      'x'.repeat(1_000_000),
      Array.from({ length: 1000 }, () => 'y'.repeat(1000)),
      Object.fromEntries(Array.from({ length: 1000 }, (_, index) => ['k'.repeat(1000) + index, 'v'.repeat(1000)])),
      { a: { b: { c: 'z'.repeat(100_000) } } },
    ];
    for (const value of values) {
      assert.ok(boundedJson(value).length < 40_000, String(boundedJson(value).length));
      assert.ok(boundedJson(value, 1000).length < 3000, String(boundedJson(value, 1000).length));
      assert.doesNotThrow(() => roundTrip(value, 1000));
    }
  });

  it('survives getters, proxies and toJSON that throw', () => {
    const getter = {
      fine: 1,
      get bad(): string {
        throw new Error('getter');
      },
    };
    assert.deepEqual(roundTrip(getter), { fine: 1, bad: '[cannot be read]' });
    assert.equal(roundTrip(hostileProxy()), '[cannot be read]');
    assert.deepEqual(roundTrip({ a: hostileProxy(), b: 2 }), { a: '[cannot be read]', b: 2 });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    assert.equal(roundTrip(proxy), '[cannot be read]');
    const toJson = {
      x: 1,
      toJSON(): never {
        throw new Error('toJSON');
      },
    };
    assert.doesNotThrow(() => roundTrip(toJson));
    const hostileError = new Error('x');
    Object.defineProperty(hostileError, 'message', {
      get: () => {
        throw new Error('message');
      },
    });
    assert.doesNotThrow(() => roundTrip({ hostileError }));
  });

  it('does not run a toJSON that an application put on every object', () => {
    Object.defineProperty(Object.prototype, 'toJSON', { value: () => 'polluted', configurable: true });
    try {
      assert.equal(boundedJson({ a: 'b' }), '{"a":"b"}');
    } finally {
      Reflect.deleteProperty(Object.prototype, 'toJSON');
    }
  });

  it('leaves prototypes alone: __proto__ is a name like any other', () => {
    const value = JSON.parse('{"__proto__":{"polluted":1}}') as unknown;
    assert.equal(boundedJson(value), '{"__proto__":{"polluted":1}}');
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });
});
