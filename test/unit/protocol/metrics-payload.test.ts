// The difference of two metric payloads, against vectors recorded from the official sensor.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { delta, hasVanished } from '../../../src/protocol/metrics-payload.js';

interface Vector {
  readonly previous: Record<string, unknown> | string;
  readonly next: Record<string, unknown>;
  readonly sent: Record<string, unknown>;
}

const vectors = JSON.parse(readFileSync(join(__dirname, '../../../../test/vectors/delta.json'), 'utf8')) as Vector[];

test('sends what the official sensor sends', () => {
  for (const { previous, next, sent } of vectors) {
    const before = typeof previous === 'string' ? {} : previous;
    assert.deepEqual(delta(before, next), sent, JSON.stringify({ previous, next }));
  }
});

test('notices that a member is gone, for which the official sensor sends nothing', () => {
  const gone = vectors.filter(({ previous, next }) => typeof previous !== 'string' && hasVanished(previous, next));
  assert.deepEqual(gone, [{ previous: { a: 1, b: 2 }, next: { a: 1 }, sent: {} }]);
  assert.ok(hasVanished({ a: { b: { c: 1, d: 1 } } }, { a: { b: { c: 1 } } }));
  assert.ok(!hasVanished({ a: undefined }, {}));
  assert.ok(!hasVanished({ a: { b: 1 } }, { a: 7 }));
});

test('treats names of prototypes as any other name', () => {
  const next = JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"toString":3}') as Record<string, unknown>;
  assert.equal(JSON.stringify(delta({}, next)), JSON.stringify(next));
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test('sends a list as a whole when an element differs, and not when all are equal', () => {
  assert.deepEqual(delta({ a: [1, 2] }, { a: [1, 2] }), {});
  assert.deepEqual(delta({ a: [1, 2] }, { a: [1, 3] }), { a: [1, 3] });
  assert.deepEqual(delta({ a: [1, 2] }, { a: [1] }), { a: [1] });
  assert.deepEqual(delta({ a: { b: 1 } }, { a: [1] }), { a: [1] });
  assert.deepEqual(delta({ a: [1] }, { a: { b: 1 } }), { a: { b: 1 } });
});

test('does not look into what is the same object', () => {
  const shared = {
    get member(): never {
      throw new Error('it was read');
    },
  };
  assert.deepEqual(delta({ shared, a: 1 }, { shared, a: 2 }), { a: 2 });
});
