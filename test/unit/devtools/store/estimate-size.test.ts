// The estimated size of JSON values.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateBytes } from '../../../../src/devtools/store/estimate-size.js';

test('counts two bytes for each character of a text', () => {
  assert.equal(estimateBytes('x'.repeat(1000)) - estimateBytes(''), 2000);
});

test('counts lists and objects with everything in them', () => {
  const text = estimateBytes('abc');
  assert.ok(estimateBytes(['abc', 'abc']) > 2 * text);
  assert.ok(estimateBytes({ name: 'abc' }) > text + 2 * 'name'.length);
  assert.ok(estimateBytes({ name: { name: ['abc'] } }) > estimateBytes({ name: 'abc' }));
});

test('counts at least the size of the JSON text', () => {
  const values = [null, true, 1.5, 'ж', [], {}, [1, [2]], { a: null, b: { c: 'd' } }];
  for (const value of values) assert.ok(estimateBytes(value) >= JSON.stringify(value).length, JSON.stringify(value));
});
