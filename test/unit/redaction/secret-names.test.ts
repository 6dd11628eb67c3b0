import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Redactor } from '../../../src/redaction/redactor.js';
import {
  compilePrefilter,
  compileSecretNames,
  isCredentialHeader,
  type SecretsRule,
} from '../../../src/redaction/secret-names.js';

interface Vectors {
  matchers: {
    matcher: SecretsRule['matcher'];
    list: string[];
    isSecret: Record<string, boolean>;
  }[];
}

// Recorded from the official sensor.
const vectors = JSON.parse(readFileSync(join(__dirname, '../../../../test/vectors/secrets.json'), 'utf8')) as Vectors;

describe('secret names as the official sensor recognises them', () => {
  for (const { matcher, list, isSecret } of vectors.matchers) {
    const secrets = new Redactor({ matcher, keywords: list });
    for (const [name, expected] of Object.entries(isSecret)) {
      it(`${matcher} ${JSON.stringify(list)}: ${JSON.stringify(name)} is ${expected ? '' : 'not '}secret`, () =>
        assert.equal(secrets.isSecret(name), expected));
    }
  }
});

describe('secret names where the official sensor is wrong', () => {
  it('a pattern of alternatives has to match the whole name', () => {
    const secrets = new Redactor({ matcher: 'regex', keywords: ['a|b'] });
    assert.equal(secrets.isSecret('abc'), false);
    assert.equal(secrets.isSecret('a'), true);
    assert.equal(secrets.isSecret('b'), true);
  });
});

describe('secrets', () => {
  it('of keywords with characters of regular expressions are texts', () => {
    const dotted = new Redactor({ matcher: 'contains', keywords: ['a.b', '(', '[x'] });
    assert.equal(dotted.redactQuery('a.b=1&aXb=2&(=3&[x=4'), 'a.b=<redacted>&aXb=2&(=<redacted>&[x=<redacted>');
  });

  it('without keywords are none', () => {
    for (const matcher of ['contains', 'equals', 'regex'] as const) {
      assert.equal(new Redactor({ matcher, keywords: [] }).redactQuery('key=1'), 'key=1');
    }
  });

  it('tell once of each pattern that is broken, and go on with the others', () => {
    const warnings: string[] = [];
    const rule = new Redactor({ matcher: 'regex', keywords: ['(', 'a+', '['] }, (message) => warnings.push(message));
    assert.equal(warnings.length, 2);
    assert.equal(rule.isSecret('aaa'), true);
  });

  it('of patterns take the flags that Java has in front', () => {
    const secrets = new Redactor({ matcher: 'regex', keywords: ['(?i).*token.*'] }, assert.fail);
    assert.equal(secrets.redactQuery('myToken=m&other=1'), 'myToken=<redacted>&other=1');
  });

  it('are those of the default when all patterns are broken', () => {
    const warnings: string[] = [];
    const secrets = new Redactor({ matcher: 'regex', keywords: ['(', '['] }, (message) => warnings.push(message));
    assert.equal(secrets.redactQuery('Password=m&a=1'), 'Password=<redacted>&a=1');
    assert.equal(warnings.length, 3);
  });

  it('regex is not asked about names of more than 200 characters, which count as secret', () => {
    const secrets = new Redactor({ matcher: 'regex', keywords: ['a*x'] });
    assert.equal(secrets.redactQuery(`${'a'.repeat(200)}=1`), `${'a'.repeat(200)}=1`);
    assert.equal(secrets.redactQuery(`${'a'.repeat(201)}=1`), `${'a'.repeat(201)}=<redacted>`);
    assert.equal(new Redactor({ matcher: 'regex', keywords: ['('] }).isSecret('a'.repeat(300)), false);
  });
});

describe('the predicate of secret names', () => {
  const isSecret = (matcher: SecretsRule['matcher'], ...keywords: string[]): ((name: string) => boolean) =>
    compileSecretNames({ matcher, keywords }, assert.fail);

  it('compares by the matcher', () => {
    const rows: readonly (readonly [SecretsRule['matcher'], string, string, boolean])[] = [
      ['equals', 'key', 'key', true],
      ['equals', 'key', 'Key', false],
      ['equals', 'key', 'keys', false],
      ['equals-ignore-case', 'key', 'KEY', true],
      ['equals-ignore-case', 'key', 'keys', false],
      ['contains', 'key', 'apikey', true],
      ['contains', 'key', 'apiKey', false],
      ['contains-ignore-case', 'KEY', 'apikey', true],
      ['regex', 'k.y', 'key', true],
      ['regex', 'k.y', 'keys', false],
      ['regex', 'k.y', 'KEY', false],
      ['none', 'key', 'key', false],
    ];
    for (const [matcher, keyword, name, expected] of rows)
      assert.equal(isSecret(matcher, keyword)(name), expected, `${matcher} ${keyword} ${name}`);
  });

  it('keeps the result of a pattern from one call to the next', () => {
    const matches = isSecret('regex', '(?i)k.y');
    assert.deepEqual([matches('KEY'), matches('KEY'), matches('x'), matches('key')], [true, true, false, true]);
  });
});

describe('the prefilter of texts', () => {
  const mayContain = (matcher: SecretsRule['matcher'], keywords: string[], text: string): boolean =>
    compilePrefilter({ matcher, keywords })(text);

  it('passes every text that could have a secret name, and encoded text', () => {
    assert.equal(mayContain('equals', ['key'], 'a=1&apikey=2'), true);
    assert.equal(mayContain('contains', ['a.b'], 'a.b=1'), true);
    assert.equal(mayContain('contains-ignore-case', ['key'], 'KEY=1'), true);
    assert.equal(mayContain('contains', ['key'], '%6bey=1'), true);
    assert.equal(mayContain('regex', ['^x$'], 'nothing'), true);
  });

  it('refuses texts that cannot have one', () => {
    assert.equal(mayContain('equals', ['key'], 'a=1&KEY=2'), false);
    assert.equal(mayContain('contains', ['a.b'], 'aXb=1'), false);
    assert.equal(mayContain('contains-ignore-case', ['key', 'pass'], 'a=1'), false);
    assert.equal(mayContain('contains', [], 'key=1%'), false);
    assert.equal(mayContain('none', ['key'], 'key=%'), false);
  });
});

describe('headers that hold credentials', () => {
  it('are known in any case', () => {
    for (const name of ['authorization', 'Proxy-Authorization', 'COOKIE', 'Set-Cookie'])
      assert.equal(isCredentialHeader(name), true, name);
    for (const name of ['', 'cookies', 'x-authorization', 'proxy-authorizations', 'cookie '])
      assert.equal(isCredentialHeader(name), false, name);
  });
});
