// JSON of our own data, also where the application has changed what all objects have.
import assert from 'node:assert/strict';
import test from 'node:test';
import { plainJson } from '../../../src/core/plain-json.js';

const values: unknown[] = [
  {},
  [],
  { a: 1, b: 'x"\u2028\ud800', c: [1, null, true, { d: undefined, e: [] }], f: undefined, '': -0.5 },
  JSON.parse('{"__proto__":{"a":1}}'),
  [undefined, Number.NaN, Number.POSITIVE_INFINITY, 1e21],
  'text',
  7,
  null,
];

test('is what JSON.stringify makes of plain data', () => {
  for (const value of values) assert.equal(plainJson(value), JSON.stringify(value));
});

test('calls no toJSON, and no JSON.stringify that was put there later', () => {
  const expected = values.map((value) => JSON.stringify(value));
  const { stringify } = JSON;
  const prototypes = [Object.prototype, Array.prototype, String.prototype, Number.prototype];
  for (const prototype of prototypes)
    Object.defineProperty(prototype, 'toJSON', { value: () => 'polluted', configurable: true });
  JSON.stringify = () => 'replaced';
  let made: string[];
  try {
    made = values.map((value) => plainJson(value));
  } finally {
    JSON.stringify = stringify;
    for (const prototype of prototypes) Reflect.deleteProperty(prototype, 'toJSON');
  }
  assert.deepEqual(made, expected);
});

test('leaves out functions and the like as values of lists and members', () => {
  assert.equal(plainJson([() => 1, Symbol('s')]), '[null,null]');
});
