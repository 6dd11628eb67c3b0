import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  find,
  keyKind,
  octetKind,
  SliceList,
  skip,
  spaceKind,
  tokenKind,
  trimmedEnd,
  valueKind,
} from '../../../src/propagation/list-scanner.js';

/** All characters up to U+00FF that are of a kind. */
function charactersOf(kind: number): string {
  const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
  return all.filter((character) => skip(character, 0, 1, kind) === 1).join('');
}

describe('kinds of characters', () => {
  it('are those of the specifications', () => {
    const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
    assert.equal(charactersOf(spaceKind), '\t ');
    assert.equal(charactersOf(keyKind), ascii.filter((one) => /[a-z0-9_\-*/@]/.test(one)).join(''));
    assert.equal(charactersOf(valueKind), ascii.filter((one) => one !== ',' && one !== '=').join(''));
    assert.equal(charactersOf(tokenKind), ascii.filter((one) => /[\w!#$%&'*+\-.^`|~]/.test(one)).join(''));
    assert.equal(charactersOf(octetKind), ascii.filter((one) => /[^ ",;\\]/.test(one)).join(''));
  });
});

describe('positions in a list', () => {
  it('are found without leaving the part', () => {
    assert.equal(skip('  a', 0, 3, spaceKind), 2);
    assert.equal(skip('    ', 0, 2, spaceKind), 2);
    assert.equal(skip('a', 1, 1, spaceKind), 1);
    assert.equal(trimmedEnd('a \t', 0, 3), 1);
    assert.equal(trimmedEnd('   ', 1, 3), 1);
    assert.equal(find('a,b', ',', 0), 1);
    assert.equal(find('a,b', ',', 2), 3);
  });
});

describe('a list of slices', () => {
  it('joins them with commas, adjacent ones and others', () => {
    const text = 'a=1,b=2, c=3,d=4';
    const list = new SliceList(text);
    assert.deepEqual([String(list), list.count], ['', 0]);
    list.add(0, 3);
    list.add(4, 7);
    assert.deepEqual([String(list), list.count], ['a=1,b=2', 2]);
    list.add(9, 12);
    assert.deepEqual([String(list), list.count], ['a=1,b=2,c=3', 3]);
  });

  it('leaves out what was not added', () => {
    const list = new SliceList('a=1,b=2,c=3');
    list.add(0, 3);
    list.add(8, 11);
    assert.deepEqual([String(list), list.count], ['a=1,c=3', 2]);
  });
});
