// The forms in which ignored endpoints are written, and the file with them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ignoreEndpoints } from '../../../src/config/ignore-endpoints.js';
import { readIgnoreFile } from '../../../src/config/ignore-file.js';
import { parseSimpleYaml } from '../../../src/config/simple-yaml.js';

function normalised(value: unknown): { rules: unknown; told: string[] } {
  const told: string[] = [];
  return { rules: ignoreEndpoints(value, (message) => told.push(message)), told };
}

describe('ignored endpoints', () => {
  it('are methods in text', () => {
    assert.deepEqual(normalised('http:GET , head;redis:*'), {
      rules: { http: [{ methods: ['get', 'head'] }], redis: [{ methods: ['*'] }] },
      told: [],
    });
  });

  it('keep the parts of a text that can be used, and tell the others', () => {
    const { rules, told } = normalised('http:get;redis;:x;kafka:;http:head');
    assert.deepEqual(rules, { http: [{ methods: ['get'] }, { methods: ['head'] }] });
    assert.equal(told.length, 3);
  });

  it('are nothing that can be used in other values', () => {
    for (const value of ['', 'redis', ';;', 7, null, [], true, undefined])
      assert.equal(normalised(value).rules, undefined, JSON.stringify(value));
  });

  it('keep the good rules of an object', () => {
    const { rules, told } = normalised({
      HTTP: [
        'GET',
        { methods: 'get', endpoints: ['/A'] },
        { method: ['get'] },
        { endpoints: 7 },
        null,
        { endpoints: ['/b', 7] },
      ],
      http: [{ connections: ['H:80'] }],
      get kafka(): never {
        throw new Error('getter');
      },
      redis: [
        {
          get methods(): never {
            throw new Error('getter');
          },
        },
      ],
    });
    assert.deepEqual(rules, {
      http: [{ methods: ['get'] }, { methods: ['get'], endpoints: ['/a'] }, { connections: ['h:80'] }],
      kafka: [],
      redis: [],
    });
    assert.equal(told.length, 6);
  });

  it('are data, whatever their names', () => {
    const { rules } = normalised(JSON.parse('{"__proto__":["get"],"constructor":["get"]}'));
    assert.deepEqual(Object.keys(rules as object), ['__proto__', 'constructor']);
    assert.equal(Reflect.get({}, 'methods'), undefined);
  });
});

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

  it('takes linear time', () => {
    const hostile = ['a:\n', '- ', '- - ', '{', 'a: [', '"', "'", 'a ', '#', ' '].map((piece) =>
      piece.repeat(60_000 / piece.length),
    );
    const start = performance.now();
    for (const text of hostile) assert.throws(() => ({ made: parseSimpleYaml(`x: y\n${text}\n!`) }));
    assert.ok(performance.now() - start < 2000);
  });
});

const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-ignore-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function readFile(path: string | undefined): { rules: unknown; warnings: string[] } {
  const warnings: string[] = [];
  return { rules: readIgnoreFile(path, (message) => warnings.push(message)), warnings };
}

describe('the file of ignored endpoints', () => {
  const yaml = `# what probes ask for
tracing:
  ignore-endpoints:
    redis:
      - get
      - type
    http:
      - methods: [GET]
        endpoints:
          - /health
    kafka:
      - methods: ['*']
        endpoints: ["Topic 1"]
`;
  const expected = {
    redis: [{ methods: ['get', 'type'] }],
    http: [{ methods: ['get'], endpoints: ['/health'] }],
    kafka: [{ methods: ['*'], endpoints: ['topic 1'] }],
  };

  it('is YAML below either root', () => {
    assert.deepEqual(readFile(file('a.yaml', yaml)), { rules: expected, warnings: [] });
    const other = yaml.replace('tracing:', 'com.instana.tracing:');
    assert.deepEqual(readFile(file('b.yaml', other)), { rules: expected, warnings: [] });
  });

  it('may be JSON', () => {
    const text = JSON.stringify({ tracing: { 'ignore-endpoints': { http: [{ endpoints: ['/health'] }] } } }, null, 2);
    assert.deepEqual(readFile(file('a.json', text)).rules, { http: [{ endpoints: ['/health'] }] });
  });

  it('is not asked for when it is not named', () => {
    for (const path of [undefined, '']) assert.deepEqual(readFile(path), { rules: undefined, warnings: [] });
  });

  it('is told with one line when it cannot be used', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const rows: readonly (readonly [string, RegExp])[] = [
      ['relative.yaml', /not absolute/],
      [join(folder, 'missing.yaml'), /ENOENT/],
      [folder, /no file/],
      [pipe, /no file/],
      ['/dev/zero', /no file/],
      [file('large.yaml', 'a'.repeat(70_000)), /larger than 65536/],
      [file('anchor.yaml', `${yaml}x: &y z\n`), /line 14 is not understood/],
      [file('empty.yaml', ''), /no ignore-endpoints/],
      [file('other.yaml', 'tracing:\n  other: x\n'), /no ignore-endpoints/],
      [file('text.yaml', 'tracing:\n  ignore-endpoints: true\n'), /no ignore-endpoints/],
      [file('broken.json', '{"tracing":'), /JSON/],
    ];
    for (const [path, reason] of rows) {
      const { rules, warnings } = readFile(path);
      assert.equal(rules, undefined, path);
      assert.equal(warnings.length, 1, path);
      assert.match(warnings[0] ?? '', /INSTANA_IGNORE_ENDPOINTS_PATH/);
      assert.match(warnings[0] ?? '', reason, path);
    }
  });
});
