import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redactQuoted, redactUnquoted } from '../../../src/redaction/text-values.js';

const isSecret = (name: string): boolean => /^(?:password|pin|key|.*Error|authorization)$/i.test(name);

describe('quoted values in a text', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['"password": "x y", "a": "b"', '"password": "<redacted>", "a": "b"'],
    [`password='x'`, `password='<redacted>'`],
    [`{ password: 'it\\'s' }`, `{ password: '<redacted>' }`],
    ['{\\"password\\":\\"x\\"}', '{\\"password\\":\\"<redacted>'],
    ['"password":"cut off', '"password":"<redacted>'],
    ['"password":"x" and pin="y"', '"password":"<redacted>" and pin="<redacted>"'],
    ['"user":"password"', '"user":"password"'],
    ['mypassword="x"', 'mypassword="x"'],
    [`${'p'.repeat(201)}="x"`, `${'p'.repeat(201)}="x"`],
    ['password=x', 'password=x'],
    ['', ''],
  ];
  for (const [text, redacted] of rows)
    it(`${text.slice(0, 40)} becomes ${redacted.slice(0, 40)}`, () =>
      assert.equal(redactQuoted(text, isSecret), redacted));
});

describe('unquoted values in a text', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['login failed, password: m for joe', 'login failed, password: <redacted> for joe'],
    ['{"pin":1, "a":2}', '{"pin":<redacted>, "a":2}'],
    ['{ password: m,m, user: joe }', '{ password: <redacted>, user: joe }'],
    ['password:m', 'password:m'],
    ['password: "m"', 'password: "m"'],
    ['KeyError: m', 'KeyError: m'],
    ['no key: m', 'no key: <redacted>'],
    ['key: not a value', 'key: not a value'],
    ['key: m,\nnext', 'key: <redacted>,\nnext'],
    ['sent Authorization: Bearer m\nto h', 'sent Authorization: <redacted>\nto h'],
    ['user: joe', 'user: joe'],
    ['', ''],
  ];
  for (const [text, redacted] of rows)
    it(`${JSON.stringify(text)} becomes ${JSON.stringify(redacted)}`, () =>
      assert.equal(redactUnquoted(text, isSecret), redacted));
});
