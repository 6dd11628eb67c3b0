// How values of options are read, from text and from code.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  boolean,
  disabled,
  disabledByPresence,
  errorStatuses,
  headerNames,
  hostName,
  integer,
  isGroup,
  oneOf,
  otlpMode,
  secrets,
  secretsMatchers,
  stackTraceLength,
  strings,
  text,
} from '../../../src/config/parsers.js';

/** Values of no use to any parser. */
const useless: readonly unknown[] = [undefined, null, {}, [], () => 1, Symbol('s'), 10n, Number.NaN];

function check(parse: (value: unknown) => unknown, rows: readonly (readonly [unknown, unknown])[]): void {
  for (const [value, expected] of rows) assert.deepEqual(parse(value), expected, String(value));
}

describe('the parser of', () => {
  it('a text takes what is not blank, trimmed', () => {
    check(text, [
      [' shop ', 'shop'],
      ['', undefined],
      [' \t', undefined],
      [7, undefined],
    ]);
    for (const value of useless) assert.equal(text(value), undefined);
  });

  it('a boolean takes true and false, and 1 and 0 as text', () => {
    check(boolean, [
      [true, true],
      [false, false],
      [' TRUE ', true],
      ['1', true],
      ['False', false],
      ['0', false],
      ['yes', undefined],
      ['', undefined],
      [1, undefined],
    ]);
    for (const value of useless) assert.equal(boolean(value), undefined);
  });

  it('the OTLP mode takes a boolean or both', () => {
    check(otlpMode, [
      ['true', true],
      [false, false],
      ['BOTH', 'both'],
      ['all', undefined],
    ]);
  });

  it('a variable that turns something off is false for any value', () => {
    for (const value of ['true', '0', 'no', '']) assert.equal(Reflect.apply(disabledByPresence, null, [value]), false);
  });

  it('an integer takes whole numbers between its limits, from text too', () => {
    check(integer(1, 65_535), [
      [1, 1],
      ['65535', 65_535],
      [' 7 ', 7],
      [0, undefined],
      ['65536', undefined],
      ['0x10', undefined],
      ['1e3', undefined],
      ['-1', undefined],
      ['', undefined],
      [1.5, undefined],
      [Number.POSITIVE_INFINITY, undefined],
      [true, undefined],
    ]);
    for (const value of useless) assert.equal(integer(1, 2)(value), undefined);
  });

  it('a choice takes its words in any case', () => {
    check(oneOf(['all', 'error']), [
      ['ALL', 'all'],
      [' error ', 'error'],
      ['none', undefined],
      ['', undefined],
      [0, undefined],
    ]);
  });

  it('a list takes texts between commas and semicolons, or an array, without what is blank or no text', () => {
    check(strings, [
      ['a;b, c ,,', ['a', 'b', 'c']],
      ['', []],
      [
        [' a ', 7, '', null, 'b;c'],
        ['a', 'b;c'],
      ],
      [7, undefined],
      [{ length: 1, 0: 'a' }, undefined],
    ]);
  });

  it('header names makes them lower case', () => {
    check(headerNames, [
      ['X-A;x-B', ['x-a', 'x-b']],
      [['X-A'], ['x-a']],
      [null, undefined],
    ]);
  });

  it('error statuses takes those of the four hundreds', () => {
    check(errorStatuses, [
      ['404, 418, 500, x, 399', [404, 418]],
      [
        [404, '403', 404.5, null],
        [404, 403],
      ],
      [404, undefined],
    ]);
  });

  it('a host takes names and addresses, and nothing that has a place for more', () => {
    check(hostName, [
      ['agent.local', 'agent.local'],
      [' 10.0.0.1 ', '10.0.0.1'],
      ['::1', '::1'],
      ['[::1]', '[::1]'],
      ['http://agent', undefined],
      ['user@agent', undefined],
      ['a b', undefined],
      ['a\r\nb', undefined],
      ['a'.repeat(254), undefined],
      ['', undefined],
    ]);
  });

  it('the length of a stack trace takes any number, and makes it one from 0 to 500', () => {
    check(stackTraceLength, [
      [10, 10],
      ['700', 500],
      [-3, 3],
      ['2.6', 3],
      ['1e1', 10],
      ['', undefined],
      [' ', undefined],
      ['many', undefined],
      [Number.POSITIVE_INFINITY, undefined],
    ]);
  });
});

describe('the parser of secrets', () => {
  function read(value: unknown): { secrets: unknown; warnings: string[] } {
    const warnings: string[] = [];
    return { secrets: secrets(value, (message) => warnings.push(message)), warnings };
  }

  it('takes every matcher, in any case, from text and from objects', () => {
    for (const matcher of secretsMatchers) {
      const keywords = matcher === 'none' ? [] : ['a', 'b'];
      assert.deepEqual(read(`${matcher.toUpperCase()}:a,b`), { secrets: { matcher, keywords }, warnings: [] });
      assert.deepEqual(read({ matcher, keywords: ['a', 'b'] }), { secrets: { matcher, keywords }, warnings: [] });
      assert.deepEqual(read({ matcher, list: ['a', 'b'] }), { secrets: { matcher, keywords }, warnings: [] });
    }
  });

  it('takes the default for a matcher that it does not know in text, with a warning', () => {
    const { secrets: read1, warnings } = read('bogus: a , ,b');
    assert.deepEqual(read1, { matcher: 'contains-ignore-case', keywords: ['a', 'b'] });
    assert.match(warnings.join(), /no matcher "bogus"/);
  });

  it('ignores what follows a second colon in text, with a warning', () => {
    const { secrets: read1, warnings } = read('regex:a:b,c');
    assert.deepEqual(read1, { matcher: 'regex', keywords: ['a'] });
    assert.match(warnings.join(), /second colon/);
  });

  it('keeps the keywords of an object that are texts, as they are', () => {
    assert.deepEqual(read({ matcher: 'equals', keywords: [' a ', 7, null] }).secrets, {
      matcher: 'equals',
      keywords: [' a '],
    });
  });

  it('is undefined for what has no keywords, or no matcher in an object', () => {
    for (const value of ['', 'equals', 'equals:', 'equals: , ', { matcher: 'equals' }, { keywords: ['a'] }, ...useless])
      assert.equal(read(value).secrets, undefined, String(value));
  });
});

describe('the parser of what is disabled', () => {
  it('takes a boolean, a list, a text, and the object of the agent', () => {
    check(disabled, [
      [true, true],
      ['false', false],
      ['Koa;!Express,', ['koa', '!express']],
      [['Logging', 7], ['logging']],
      [{ Logging: true, console: false, koa: 'yes' }, ['logging', '!console']],
      [{ instrumentations: ['Koa'], groups: ['databases'], other: ['x'] }, ['koa', 'databases']],
      [{}, []],
      [[], []],
      [7, undefined],
      [null, undefined],
    ]);
  });

  it('knows groups, and their exemptions, from instrumentations', () => {
    for (const entry of ['logging', 'messaging', 'databases', '!logging']) assert.equal(isGroup(entry), true, entry);
    for (const entry of ['koa', '!koa', '', 'Logging', '!!logging']) assert.equal(isGroup(entry), false, entry);
  });
});
