// A request and what becomes of it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { reasonOf, sendRequest } from '../../../src/export/outcome.js';
import type { HttpResponse } from '../../../src/transport/message.js';

const address = { host: '127.0.0.1', port: 1 };
const request = { method: 'GET', path: '/' } as const;

test('gives what the reader makes of the response', async () => {
  const response: HttpResponse = { status: 204, server: '', retryAfter: null, text: '', isComplete: true };
  const connection = { send: () => Promise.resolve(response) };
  assert.equal(await sendRequest(connection, address, request, ({ status }) => status), 204);
});

test('never rejects: without a response the receiver is unreachable', async () => {
  for (const [error, reason] of [
    [new Error('ECONNREFUSED'), 'ECONNREFUSED'],
    ['a string', 'a string'],
  ]) {
    const connection = { send: () => Promise.reject(error) };
    const outcome = await sendRequest(connection, address, request, () => assert.fail());
    assert.deepEqual(outcome, { kind: 'unreachable', reason });
  }
});

test('names the status or the reason', () => {
  assert.equal(reasonOf({ kind: 'retry', status: 503, retryAfterMs: null }), 'status 503');
  assert.equal(reasonOf({ kind: 'unreachable', reason: 'ECONNRESET' }), 'ECONNRESET');
});
