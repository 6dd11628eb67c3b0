import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Redactor } from '../../../src/redaction/redactor.js';
import type { SecretsRule } from '../../../src/redaction/secret-names.js';
import {
  endOfPath,
  hasOpenCredentials,
  matchesDecoded,
  percentDecode,
  queryOf,
  redactBareCredentials,
  redactCredentials,
  sanitizeUrl,
} from '../../../src/redaction/url.js';

interface Vectors {
  urls: { url: string; sanitized: string; query: string | null }[];
}

// Recorded from the official sensor.
const vectors = JSON.parse(readFileSync(join(__dirname, '../../../../test/vectors/secrets.json'), 'utf8')) as Vectors;
const byDefault: SecretsRule = { matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] };

/**
 * Rows of the recording in which the official sensor is wrong, and what is right. A fragment is no part of the query: it is cut,
 * because what stands in it was never sent by a browser and is redacted by nobody.
 */
const corrected: Readonly<Record<string, string>> = {
  'http://example.com/a/b?x=1#f': 'x=1',
  '/a/b?x=1#f': 'x=1',
};

describe('URLs as the official sensor records them', () => {
  for (const { url, sanitized, query } of vectors.urls) {
    it(`${JSON.stringify(url)} is shown as ${JSON.stringify(sanitized)}`, () =>
      assert.equal(sanitizeUrl(url), sanitized));
    it(`${JSON.stringify(url)} has the query ${JSON.stringify(corrected[url] ?? query)}`, () =>
      assert.equal(queryOf(url), corrected[url] ?? query ?? ''));
  }
});

describe('URLs where the official sensor is wrong', () => {
  it('a fragment is no part of the query', () => {
    assert.equal(queryOf('/x?a=1#key=2'), 'a=1');
    assert.equal(queryOf('/x#a?b=1'), '');
  });
});

describe('a URL', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['/a?x#y', '/a'],
    ['/a#y?x', '/a'],
    ['//host/path', '//host/path'],
    ['/%E0%A4%A', '/%E0%A4%A'],
    ['/"<>`{}|\\^', '/%22%3C%3E%60%7B%7D%7C%5C%5E'],
    ['/ä', '/%C3%A4'],
    ['/\ud800', '/%EF%BF%BD'],
    ['/a%20b', '/a%20b'],
    ['*', '*'],
    ['http://user:pw@[', 'http://<redacted>:<redacted>@['],
    ['http://user:pw@host:99999/x?key=1', 'http://<redacted>:<redacted>@host:99999/x'],
    ['user:pw@host:80/x', 'user://<redacted>:<redacted>@host:80/x'],
    ['user@host/x', '<redacted>@host/x'],
    ['/proxy/http://user:pw@host/x', '/proxy/http://<redacted>:<redacted>@host/x'],
    ['http://h/proxy/http://user:pw@host/x', 'http://h/proxy/http://<redacted>:<redacted>@host/x'],
    ['/@scope/package@1', '/@scope/package@1'],
  ];
  const show = (url: string): string => new Redactor(byDefault).redactPath(sanitizeUrl(url));
  for (const [url, shown] of rows) {
    it(`${JSON.stringify(url)} is shown as ${JSON.stringify(shown)}`, () => assert.equal(show(url), shown));
  }

  it('never shows a password that stands in front of the host', () => {
    for (const url of [
      'http://u:hunter2@h/',
      'HTTP://u:hunter2@h/',
      'http://u:hunter2@h:99999/',
      'http://u:hunt@er2@h:99999/',
      'http://u:hunter2@[::1/',
      'postgres://u:hunter2@h/x',
    ]) {
      assert.ok(!/hunter2|er2/.test(show(url)), show(url));
    }
  });
});

describe('the target of a request', () => {
  it('of CONNECT stays as it is', () => {
    assert.equal(sanitizeUrl('example.com:443'), 'example.com:443');
  });

  it('without a scheme has its credentials redacted', () => {
    const show = (url: string): string => new Redactor(byDefault).redactPath(sanitizeUrl(url));
    assert.equal(show('//user:pw@example.com/x?a=1'), '//<redacted>:<redacted>@example.com/x');
    assert.equal(show('//double/slash'), '//double/slash');
  });
});

describe('the path of a URL', () => {
  it('ends at the query or the fragment, whichever is first', () => {
    for (const [text, end] of [
      ['/a?b#c', 2],
      ['/a#b?c', 2],
      ['/abc', 4],
      ['?', 0],
      ['', 0],
    ] as const)
      assert.equal(endOfPath(text), end, text);
  });
});

describe('percent-decoding', () => {
  it('decodes UTF-8, takes other bytes for Latin-1, and keeps what is no sequence', () => {
    for (const [text, decoded] of [
      ['p%61ss', 'pass'],
      ['%C3%A4', 'ä'],
      ['%E4', 'ä'],
      ['%zz%6', '%zz%6'],
      ['%E0%A4%70', 'à¤p'],
      ['%2561', '%61'],
      ['', ''],
    ] as const)
      assert.equal(percentDecode(text), decoded, text);
  });

  it('is tried twice, and not at all for a text without sequences', () => {
    const seen: string[] = [];
    const never = (text: string): boolean => {
      seen.push(text);
      return false;
    };
    assert.equal(matchesDecoded('plain', never), false);
    assert.deepEqual(seen, []);
    assert.equal(matchesDecoded('%25252561', never), false);
    assert.deepEqual(seen, ['%252561', '%2561']);
    assert.equal(
      matchesDecoded('%2561', (text) => text === 'a'),
      true,
    );
  });
});

describe('credentials in a text', () => {
  it('are redacted in URLs, plain and encoded', () => {
    assert.equal(redactCredentials('see http://u:m@h/ now'), 'see http://<redacted>:<redacted>@h/ now');
    assert.equal(redactCredentials('http%3A%2F%2Fu%3Am%40h'), 'http%3A%2F%2F<redacted>%40h');
    assert.equal(redactCredentials('joe@example.com'), 'joe@example.com');
  });

  it('are redacted before a host that has no scheme', () => {
    assert.equal(redactBareCredentials('to u:m@h now'), 'to <redacted>:<redacted>@h now');
    assert.equal(redactBareCredentials('mailto:joe@h'), 'mailto:joe@h');
  });

  it('are open until they are redacted', () => {
    assert.equal(hasOpenCredentials('http://u:m@h/'), true);
    assert.equal(hasOpenCredentials('http://<redacted>:<redacted>@h/'), false);
    assert.equal(hasOpenCredentials('http://<redacted>@h/'), false);
    assert.equal(hasOpenCredentials('http://<redacted>@m@h/'), true);
    assert.equal(hasOpenCredentials('http://h/'), false);
  });
});
