import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { at, toNested } from '../../../src/config/nested.js';

describe('dotted names', () => {
  it('find members within members', () => {
    const value = { a: 1, b: { c: { d: 2 }, e: null } };
    assert.equal(at(value, 'a'), 1);
    assert.equal(at(value, 'b.c.d'), 2);
    assert.equal(at(value, 'b.e'), null);
    for (const name of ['x', 'a.x', 'b.x.d', 'b.e.x', 'toString', 'b.constructor'])
      assert.equal(at(value, name), undefined, name);
    for (const nothing of [null, undefined, 7, 'text']) assert.equal(at(nothing, 'length'), undefined);
  });

  it('become objects within objects, in which they find the same values', () => {
    const values = { a: 1, 'b.c.d': [2], 'b.e': null, 'b.c.f': undefined };
    const nested = toNested(values);
    assert.deepEqual(nested, { a: 1, b: { c: { d: [2], f: undefined }, e: null } });
    for (const [name, value] of Object.entries(values)) assert.equal(at(nested, name), value, name);
  });

  it('do not reach prototypes', () => {
    toNested({ 'constructor.prototype.polluted': 1, 'toString.polluted': 1 });
    assert.equal(Reflect.get({}, 'polluted'), undefined);
    assert.equal(Reflect.get(Object.prototype.toString, 'polluted'), undefined);
  });
});
