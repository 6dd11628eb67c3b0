// The part of YAML that is read, and what is refused by the number of its line.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSimpleYaml } from '../../../src/config/simple-yaml.js';
import { assertLinearTime } from '../../support/linear-time.js';

const documents: readonly (readonly [string, string, unknown])[] = [
  ['nothing', '', null],
  ['a comment', '# nothing\n', null],
  ['mappings by indentation', 'a:\n  b:\n    c: d\n  e: f\n', { a: { b: { c: 'd' }, e: 'f' } }],
  ['lists by indentation', 'a:\n  - x\n  - y\n', { a: ['x', 'y'] }],
  ['lists as far left as their key', 'a:\n- x\n- y\nb: z\n', { a: ['x', 'y'], b: 'z' }],
  ['mappings in lists', 'a:\n  - b: [x]\n    c:\n      - y\n  - b: z\n', { a: [{ b: ['x'], c: ['y'] }, { b: 'z' }] }],
  ['lists behind a dash alone', '-\n  - x\n- y\n', [['x'], 'y']],
  [
    'brackets',
    'a: [x, "y, z", \'it\'\'s\', [], {b: c, "d": [e]}]\n',
    { a: ['x', 'y, z', "it's", [], { b: 'c', d: ['e'] }] },
  ],
  ['a trailing comma', 'a: [x, y,]\n', { a: ['x', 'y'] }],
  ['quotes', 'a: "#x: \\"y\\" \\u0041"\n\'b c\': \'#\'\n', { a: '#x: "y" A', 'b c': '#' }],
  ['comments', '# a\na: x # b\nb: "x" # c\nc: x#d\n', { a: 'x', b: 'x', c: 'x#d' }],
  ['one document mark, and a byte order mark', '\uFEFF---\na: x\r\nb: y\r\n', { a: 'x', b: 'y' }],
  [
    'paths, stars, numbers and dotted keys',
    'com.a.b:\n  - /x/y\n  - *\n  - 7\n  - "*"\n',
    { 'com.a.b': ['/x/y', '*', '7', '*'] },
  ],
  ['nothing behind a key', 'a:\nb: ~\nc: null\n', { a: null, b: null, c: null }],
  ['keys of prototypes', '__proto__: x\n', JSON.parse('{"__proto__":"x"}')],
];

const refused: readonly (readonly [string, string, number])[] = [
  ['an anchor', 'a: &x y\n', 1],
  ['an alias', 'a:\n  - *x\n', 2],
  ['a tag', 'a: !!str x\n', 1],
  ['a text over several lines', 'a: |\n  x\n', 1],
  ['a folded text', 'a: >-\n  x\n', 1],
  ['a tab', 'a:\n\tb: c\n', 2],
  ['another document', 'a: b\n---\nc: d\n', 2],
  ['a directive', '%YAML 1.2\n', 1],
  ['an open bracket', 'a: [x, y\n', 1],
  ['something behind a bracket', 'a: [x] y\n', 1],
  ['an open quote', 'a: "x\n', 1],
  ['odd indentation', 'a:\n    b: c\n  d: e\n', 3],
  ['a key twice', 'a: b\na: c\n', 2],
  ['a text between keys', 'a: b\nc\n', 2],
  ['brackets in brackets for ever', `a: ${'['.repeat(1000)}\n`, 1],
  ['a line without an end', `a: ${'x'.repeat(100_000)}\n`, 1],
];

describe('simple YAML', () => {
  for (const [what, text, value] of documents) it(`has ${what}`, () => assert.deepEqual(parseSimpleYaml(text), value));
  for (const [what, text, line] of refused)
    it(`refuses ${what}`, () =>
      assert.throws(() => parseSimpleYaml(text), { message: `line ${line} is not understood` }));

  it('reads and refuses in linear time', () => {
    const pieces = ['a:\n', '- ', '- - ', '{', 'a: [', '"', "'", 'a ', '#', ' '];
    assertLinearTime((length) => {
      for (const piece of pieces) {
        const text = piece.repeat(length / piece.length);
        assert.throws(() => ({ made: parseSimpleYaml(`x: y\n${text}\n!`) }), piece);
      }
      const valid = Array.from({ length: length / 40 }, (_, index) => `k${index}: [x, "y", {a: b}] # comment`);
      assert.equal(Object.keys(Object(parseSimpleYaml(valid.join('\n')))).length, valid.length);
    });
  });
});
