// Hosts in URLs.
import assert from 'node:assert/strict';
import test from 'node:test';
import { bracketed } from '../../../src/core/bracketed.js';

test('puts an IPv6 address into brackets, once, and changes nothing else', () => {
  for (const [host, expected] of [
    ['::1', '[::1]'],
    ['[::1]', '[::1]'],
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'localhost'],
  ] as const)
    assert.equal(bracketed(host), expected);
});
