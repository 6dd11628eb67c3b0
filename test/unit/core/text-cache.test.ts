// Texts that are made once for each text that comes again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TextCache } from '../../../src/core/text-cache.js';

describe('a cache of texts', () => {
  it('makes each text once, long ones each time', () => {
    const made: string[] = [];
    const cache = new TextCache(
      (text) => {
        made.push(text);
        return text.toUpperCase();
      },
      10,
      5,
    );
    for (const text of ['a', 'a', 'abcdef', 'abcdef', '__proto__'.slice(0, 5)])
      assert.equal(cache.get(text), text.toUpperCase());
    assert.deepEqual(made, ['a', 'abcdef', 'abcdef', '__pro']);
  });

  it('starts from nothing when it is full', () => {
    let made = 0;
    const cache = new TextCache((text) => `${text}${++made}`, 3, 100);
    for (const text of ['a', 'b', 'c', 'a']) cache.get(text);
    assert.equal(made, 3);
    assert.equal(cache.get('d'), 'd4');
    assert.equal(cache.get('a'), 'a5');
  });
});
