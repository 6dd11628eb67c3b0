// Whether a response was delivered when its connection ended.
import assert from 'node:assert/strict';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { bytesDispatched, isDelivered } from '../../../../src/instrumentation/http/response-delivery.js';
import { waitUntil } from '../../../support/agent/wait-until.js';

/** Whether the response counts as delivered when its client hangs up after `respond`. */
async function delivered(respond: (response: http.ServerResponse) => void): Promise<boolean> {
  let result: boolean | null = null;
  const server = http.createServer((_request, response) => {
    const before = bytesDispatched(response.socket);
    response.once('close', () => {
      result = isDelivered(response, before);
    });
    respond(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  client.once('data', () => client.destroy());
  await waitUntil(() => result !== null, 'the end of the response');
  server.close();
  return result === true;
}

test('a response that was ended is delivered', async () => {
  assert.equal(await delivered((response) => response.end('hello')), true);
});

test('a response of known length whose bytes were all written is delivered, although it was not ended', async () => {
  const respond = (response: http.ServerResponse): void => {
    response.setHeader('Content-Length', 5);
    response.write('hello');
  };
  assert.equal(await delivered(respond), true);
});

test('a response that lacks bytes of its length, or has no length, is not delivered', async () => {
  const short = (response: http.ServerResponse): void => {
    response.setHeader('Content-Length', 500);
    response.write('hello');
  };
  assert.equal(await delivered(short), false);
  assert.equal(await delivered((response) => void response.write('hello')), false);
});

test('a response with an error is not delivered, even when it was ended', async () => {
  const respond = (response: http.ServerResponse): void => {
    response.write('hello', () => response.destroy(new Error('broken')));
    response.end();
  };
  const broken = await delivered(respond);
  assert.equal(broken, false);
});

test('a socket without the counter of Node.js has dispatched no number of bytes', () => {
  assert.equal(bytesDispatched({ _bytesDispatched: 7 }), 7);
  for (const socket of [null, undefined, {}, { _bytesDispatched: '7' }])
    assert.ok(Number.isNaN(bytesDispatched(socket)));
});
