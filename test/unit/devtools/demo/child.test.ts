// What the sample services share.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type DemoRoute, getJson, loadFramework, plainListener } from '../../../../src/devtools/demo/child.js';
import { ask } from '../support.js';

const routes: readonly DemoRoute[] = [
  { method: 'GET', path: '/items', handle: async () => ({ status: 200, body: ['a'] }) },
  { method: 'GET', path: '/items/:id', handle: async (id) => ({ status: 200, body: { id } }) },
  {
    method: 'POST',
    path: '/items/:id',
    handle: async () => {
      throw new Error('no room');
    },
  },
];
let server: Server;
let port = 0;
before(async () => {
  server = createServer(plainListener(routes));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo); // a listening TCP server has this form
});
after(() => server.close());

test('serves routes without a framework, with a parameter or none', async () => {
  assert.deepEqual((await ask({ port }, 'GET', '/items?x=1')).json, ['a']);
  assert.deepEqual((await ask({ port }, 'GET', '/items/7?x=1')).json, { id: '7' });
  const failed = await ask({ port }, 'POST', '/items/7');
  assert.deepEqual([failed.status, failed.json], [500, { error: 'Error: no room' }]);
  for (const [method, path] of [
    ['GET', '/nothing'],
    ['PUT', '/items'],
  ] as const) {
    assert.equal((await ask({ port }, method, path)).status, 404);
  }
});

test('reads the JSON of a response, null for other text', async () => {
  assert.deepEqual(await getJson(`http://127.0.0.1:${port}/items`), { status: 200, body: ['a'] });
  const text = createServer((_request, response) => response.end('<html>'));
  await new Promise<void>((resolve) => text.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(text.address() as AddressInfo).port}/`; // as above
  assert.deepEqual(await getJson(url), { status: 200, body: null });
  text.closeAllConnections();
  await new Promise((resolve) => text.close(resolve));
  await assert.rejects(getJson(url));
});

test('loads a framework if it is installed', () => {
  assert.equal(typeof loadFramework('express'), 'function');
  assert.equal(loadFramework('no-such-framework'), null);
});
