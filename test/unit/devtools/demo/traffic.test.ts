// Requests to the storefront.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { DemoTraffic } from '../../../../src/devtools/demo/traffic.js';
import { waitUntil } from '../../../support/agent/wait-until.js';

test('starts with an order and the products, and sends nothing after stop', { timeout: 20_000 }, async () => {
  const visits: string[] = [];
  const server = createServer((request, response) => {
    visits.push(`${request.method} ${request.url}`);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const traffic = new DemoTraffic();
  traffic.start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // a TCP server has this form
  await waitUntil(() => visits.length >= 3, 'three visits');
  traffic.stop();
  assert.deepEqual(visits.slice(0, 3), ['GET /orders/1001', 'GET /products', 'GET /orders/1002']);
  // close() waits for the connections that stop() has closed.
  await new Promise((resolve) => server.close(resolve));
});

test('survives a storefront that has ended', { timeout: 20_000 }, async () => {
  const server = createServer((request) => request.socket.destroy());
  let connections = 0;
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const traffic = new DemoTraffic();
  traffic.start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // as above
  await waitUntil(() => connections >= 2, 'a second attempt');
  traffic.stop();
  await new Promise((resolve) => server.close(resolve));
});
