// What the agent's responses mean.
import assert from 'node:assert/strict';
import test from 'node:test';
import { askAgent } from '../../../src/agent/agent-outcome.js';
import type { HttpRequest, HttpResponse } from '../../../src/transport/message.js';

const address = { host: '127.0.0.1', port: 1 };
const request: HttpRequest = { method: 'GET', path: '/' };

/** The outcome of a response, or of an error. */
function outcomeOf(result: Partial<HttpResponse> | Error): Promise<unknown> {
  const response: HttpResponse = { status: 200, server: '', retryAfter: null, text: '', isComplete: true };
  const send = (): Promise<HttpResponse> =>
    result instanceof Error ? Promise.reject(result) : Promise.resolve({ ...response, ...result });
  return askAgent({ send }, address, request);
}

test('a status of the two hundreds is accepted, with the response, even one that broke off', async () => {
  for (const status of [200, 204])
    assert.deepEqual(await outcomeOf({ status, text: 'x', isComplete: false }), {
      kind: 'accepted',
      status,
      server: '',
      retryAfter: null,
      text: 'x',
      isComplete: false,
    });
});

test('404 and 413 have meanings of their own', async () => {
  assert.deepEqual(await outcomeOf({ status: 404 }), { kind: 'not-found', status: 404 });
  assert.deepEqual(await outcomeOf({ status: 413 }), { kind: 'too-large', status: 413 });
});

test('any other status is tried again, when the agent says', async () => {
  assert.deepEqual(await outcomeOf({ status: 503, retryAfter: '7' }), {
    kind: 'retry',
    status: 503,
    retryAfterMs: 7000,
  });
  assert.deepEqual(await outcomeOf({ status: 302 }), { kind: 'retry', status: 302, retryAfterMs: null });
});

test('a request without a response tells why', async () => {
  assert.deepEqual(await outcomeOf(new Error('ECONNREFUSED')), { kind: 'unreachable', reason: 'ECONNREFUSED' });
});
