// What a response means beside its body.
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseRetryAfter } from '../../../src/transport/message.js';

test('reads Retry-After as seconds or as a date', () => {
  assert.equal(parseRetryAfter(null), null);
  assert.equal(parseRetryAfter('3'), 3000);
  assert.equal(parseRetryAfter('soon'), null);
  assert.equal(parseRetryAfter('Thu, 01 Jan 1970 00:00:00 GMT'), 0);
});
