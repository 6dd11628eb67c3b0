// What a response means beside its body.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isSuccess, parseRetryAfter } from '../../../src/transport/message.js';

test('success is a status of the two hundreds', () => {
  const statuses = [100, 199, 200, 204, 299, 300, 404, 500, 0];
  assert.deepEqual(statuses.filter(isSuccess), [200, 204, 299]);
});

test('reads Retry-After in seconds, or as a date that may be over', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-02T03:04:05Z') });
  for (const [value, expected] of [
    ['0', 0],
    [' 7 ', 7000],
    ['Fri, 02 Jan 2026 03:04:15 GMT', 10_000],
    ['Fri, 02 Jan 2026 03:04:05 GMT', 0],
    ['Thu, 01 Jan 2026 00:00:00 GMT', 0],
    ['in a while', null],
    ['soon', null],
    ['', null],
    [null, null],
  ] as const)
    assert.equal(parseRetryAfter(value), expected, String(value));
});
