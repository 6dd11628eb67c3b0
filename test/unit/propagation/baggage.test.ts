import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readBaggage } from '../../../src/propagation/baggage.js';

describe('baggage', () => {
  for (const text of ['a=1', 'a=1,b=2', ' a = 1 ,\tb=2', 'a=', 'a=b=c', 'a=1;p;q=2', 'a=1 ; p = 2 ;q', "key!#$&'=%20x"])
    it(`${JSON.stringify(text)} is forwarded as it is`, () => assert.equal(readBaggage(text), text));

  for (const [text, kept] of [
    ['', ''],
    ['a', ''],
    ['=1', ''],
    ['a b=1', ''],
    ['a="1"', ''],
    ['a=1;', ''],
    ['a=1;;p', ''],
    ['a=1;p=\u00e4', ''],
    ['a=1,bad,b=2', 'a=1,b=2'],
    ['a=1,,b=2', 'a=1,b=2'],
    ['bad, a=1 , b=2', 'a=1,b=2'],
    ['a\u00e4=1,b=2', 'b=2'],
  ] as const)
    it(`of ${JSON.stringify(text)} remains ${JSON.stringify(kept)}`, () => assert.equal(readBaggage(text), kept));

  it('has at most 64 members', () => {
    const members = Array.from({ length: 70 }, (_, index) => `k${index}=1`);
    assert.equal(readBaggage(members.slice(0, 64).join()), members.slice(0, 64).join());
    assert.equal(readBaggage(members.join()), members.slice(0, 64).join());
  });

  it('has at most 8,192 bytes, of whole members', () => {
    const half = 'x'.repeat(4093);
    assert.equal(readBaggage(`a=${half},b=${half}`), `a=${half},b=${half}`);
    assert.equal(readBaggage(`a=${half},b=${half}xx,c=1`), `a=${half},c=1`);
  });
});
