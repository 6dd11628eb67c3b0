// Untrusted values of OTLP/JSON.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attributesOf,
  countOf,
  doubleOf,
  isObject,
  jsonNumber,
  MalformedOtlp,
  objectOf,
  objectsOf,
  textOf,
  timeMsOf,
} from '../../../../src/devtools/otlp/values.js';

test('distinguishes objects from everything else', () => {
  assert.ok(isObject({}));
  for (const value of [null, undefined, [], 'x', 7]) assert.ok(!isObject(value));
});

test('reads absent members as empty, and rejects members of the wrong type', () => {
  for (const parent of [{}, { m: null }]) {
    assert.deepEqual(objectsOf(parent, 'm'), []);
    assert.deepEqual(objectOf(parent, 'm'), {});
  }
  for (const m of [7, {}, [7]]) assert.throws(() => objectsOf({ m }, 'm'), MalformedOtlp);
  for (const m of [7, []]) assert.throws(() => objectOf({ m }, 'm'), /m must be an object/);
});

test('reads attributes of every type', () => {
  const values: [unknown, unknown][] = [
    [{ stringValue: 'x' }, 'x'],
    [{ boolValue: false }, false],
    [{ intValue: '7' }, 7],
    [{ intValue: 7 }, 7],
    [{ intValue: '9007199254740993' }, '9007199254740993'],
    [{ intValue: 'x' }, null],
    [{ doubleValue: 1.5 }, 1.5],
    [{ doubleValue: 'NaN' }, 'NaN'],
    [{ bytesValue: 'AA==' }, 'AA=='],
    [{ arrayValue: { values: [{ intValue: '1' }, {}] } }, [1, null]],
    [{ arrayValue: {} }, []],
    [{ kvlistValue: { values: [{ key: 'a', value: { intValue: '1' } }] } }, { a: 1 }],
    [{}, null],
    [7, null],
  ];
  for (const [value, plain] of values) {
    assert.deepEqual(attributesOf({ attributes: [{ key: 'k', value }] }), { k: plain }, JSON.stringify(value));
  }
});

test('bounds attributes in number and length, and leaves out those without a key', () => {
  const many = Array.from({ length: 300 }, (_, index) => ({ key: `k${index}`, value: { intValue: '1' } }));
  assert.equal(Object.keys(attributesOf({ attributes: many })).length, 128);
  const long = attributesOf({ attributes: [{ key: 'k'.repeat(300), value: { stringValue: 'v'.repeat(5000) } }] });
  assert.deepEqual(
    Object.entries(long).map(([key, value]) => [key.length, String(value).length]),
    [[255, 4096]],
  );
  assert.deepEqual(attributesOf({ attributes: [{ key: '' }, { value: {} }, { key: 7 }] }), {});
});

test('reads numbers in their JSON forms', () => {
  const doubles = [1.5, 'NaN', '-Infinity', '1.5'].map(doubleOf);
  assert.deepEqual(doubles, [1.5, Number.NaN, Number.NEGATIVE_INFINITY, null]);
  const counts = ['12', 12, '9007199254740993', 1.5, 'x'].map(countOf);
  assert.deepEqual(counts, [12, 12, 2 ** 53, null, null]);
  assert.deepEqual([1, Number.NaN, Number.POSITIVE_INFINITY].map(jsonNumber), [1, 'NaN', 'Infinity']);
  assert.deepEqual([textOf('x'), textOf(7), textOf('x'.repeat(5000)).length], ['x', '', 4096]);
});

test('reads nanoseconds with their fraction of a millisecond', () => {
  assert.equal(timeMsOf('1700000000000500000'), 1_700_000_000_000.5);
  assert.equal(timeMsOf(1e18), 1e12);
  for (const value of [undefined, null, '0', 0, -1, 'x', '1'.repeat(21), 2 ** 65]) assert.equal(timeMsOf(value), null);
});
