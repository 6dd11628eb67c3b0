import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdPool, parseId, shortId } from '../../../src/propagation/ids.js';

describe('ids', () => {
  it('are 16 lower-case hexadecimal digits, and none comes twice', () => {
    const pool = new IdPool();
    const ids = Array.from({ length: 20_000 }, () => pool.next());
    for (const id of ids) assert.match(id, /^[0-9a-f]{16}$/);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('are different in two pools', () => {
    assert.notEqual(new IdPool().next(), new IdPool().next());
  });
});

describe('an id of a neighbour', () => {
  const accepted: readonly (readonly [string, string])[] = [
    ['1', '0000000000000001'],
    ['abc', '0000000000000abc'],
    ['84e588b697868fee', '84e588b697868fee'],
    ['84E588B697868FEE', '84e588b697868fee'],
    ['0123456789abcdef0', '00000000000000000123456789abcdef0'.slice(-32)],
    ['123456789abcdef84e588b697868fee', '0123456789abcdef84e588b697868fee'],
    ['0123456789abcdef84e588b697868fee', '0123456789abcdef84e588b697868fee'],
  ];
  for (const [text, id] of accepted) {
    it(`${JSON.stringify(text)} is read as ${id}`, () => assert.equal(parseId(text), id));
  }

  const refused = [
    '',
    '0',
    '0'.repeat(16),
    '0'.repeat(32),
    'not-hex',
    '-',
    '0x1234',
    '12 34',
    ' 1234',
    '1234\n',
    'é123',
    '١٢٣',
    '__proto__',
    '"><script>',
    '1'.repeat(33),
    'a'.repeat(12_000),
  ];
  for (const text of refused) {
    it(`${JSON.stringify(text.slice(0, 40))} of ${text.length} characters is refused`, () =>
      assert.equal(parseId(text), null));
  }

  it('that is not there is refused', () => assert.equal(parseId(undefined), null));
});

it('a long id is short by its last 16 digits', () => {
  assert.equal(shortId('0123456789abcdef84e588b697868fee'), '84e588b697868fee');
  assert.equal(shortId('84e588b697868fee'), '84e588b697868fee');
});
