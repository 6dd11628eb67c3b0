import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tryGet, tryMember } from '../../../src/core/try-get.js';

function fail(): never {
  throw new Error('getter');
}

describe('reads of values that others made', () => {
  it('give what is there', () => {
    assert.equal(
      tryGet(() => 7, null),
      7,
    );
    assert.equal(
      tryGet(() => undefined, null),
      undefined,
    );
    assert.equal(tryMember({ name: 'a' }, 'name'), 'a');
    assert.equal(tryMember('text', 'length'), 4);
    assert.equal(tryMember(Object.create({ name: 'inherited' }), 'name'), 'inherited');
  });

  it('give the fallback, or undefined, for what throws', () => {
    assert.equal(tryGet(fail, null), null);
    assert.equal(tryGet(fail, false), false);
    assert.equal(tryMember({ get: 1, name: 2 }, 'other'), undefined);
    assert.equal(tryMember(Object.defineProperty({}, 'name', { get: fail }), 'name'), undefined);
    assert.equal(tryMember(new Proxy({}, { get: fail }), 'name'), undefined);
  });

  it('give undefined for members of nothing', () => {
    for (const value of [null, undefined, 7, true, Symbol('s')]) assert.equal(tryMember(value, 'name'), undefined);
  });
});
