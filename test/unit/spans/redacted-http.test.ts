// URL, query and headers of a request without secrets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextCache } from '../../../src/core/text-cache.js';
import { Redactor } from '../../../src/redaction/redactor.js';
import {
  isPlainPath,
  plainUrlJson,
  redactedHeaders,
  redactedQuery,
  redactedUrl,
} from '../../../src/spans/redacted-http.js';
import { HttpAttributes } from '../../../src/spans/span.js';

const redactor = new Redactor({ matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] });

test('a path is plain when nothing in it has to be quoted, decoded or redacted', () => {
  for (const path of ['/', '/users/7', '/a.b/~c:d']) assert.ok(isPlainPath(path), path);
  for (const path of ['', '*', '//host/a', '/a?b', '/a;key=1', '/a%20b', '/ü', `/${'a'.repeat(16_384)}`])
    assert.ok(!isPlainPath(path), path.slice(0, 20));
});

test('the JSON of a plain path follows that of its origin', () => {
  const hosts = new TextCache(JSON.stringify, 10, 100);
  assert.equal(plainUrlJson('http://a:1', '/b', hosts), '"http://a:1/b"');
  assert.equal(plainUrlJson('', '/b', hosts), '"/b"');
});

test('an exit has its origin before the path, an entry has not', () => {
  const http = new HttpAttributes('GET', '/a b?key=1&c=2#d', 'http://u:p@host:1');
  assert.equal(redactedUrl(http, false, redactor), 'http://<redacted>:<redacted>@host:1/a%20b');
  assert.equal(redactedUrl(http, true, redactor), '/a%20b');
  assert.equal(redactedQuery(http, redactor), 'key=<redacted>&c=2');
  assert.equal(redactedQuery(new HttpAttributes('GET', '/a', null), redactor), undefined);
});

test('a URL of any length is cut at 16 KiB', () => {
  const http = new HttpAttributes('GET', `/${'ü'.repeat(20_000)}`, null);
  assert.equal(redactedUrl(http, true, redactor).length, 1 + 16_383 * '%C3%BC'.length);
});

test('headers with credentials are redacted by name, secrets in the others by value', () => {
  assert.deepEqual(
    { ...redactedHeaders({ cookie: 'a=b', 'x-note': 'password=x', 'x-id': '7' }, redactor) },
    {
      cookie: '<redacted>',
      'x-note': 'password=<redacted>',
      'x-id': '7',
    },
  );
});
