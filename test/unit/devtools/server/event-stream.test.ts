// Server-sent events: what is sent when, and to how many clients.
import assert from 'node:assert/strict';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { EventStream } from '../../../../src/devtools/server/event-stream.js';
import { waitUntil } from '../../../support/agent/wait-until.js';

const maxClients = 32;
let stream: EventStream;
const server = createServer((_request, response) => {
  if (stream.attach(response)) return;
  response.writeHead(503).end();
});

beforeEach(async () => {
  stream = new EventStream();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  stream.close();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

interface Client {
  readonly status: number;
  text(): string;
  isClosed(): boolean;
  destroy(): void;
}

function connect(): Promise<Client> {
  const { port } = server.address() as AddressInfo; // a listening TCP server has this form
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, (response: IncomingMessage) => {
      let text = '';
      let isClosed = false;
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', () => {}); // The server ends the connection.
      response.once('close', () => {
        isClosed = true;
      });
      const destroy = () => response.destroy();
      resolve({ status: response.statusCode ?? 0, text: () => text, isClosed: () => isClosed, destroy });
    }).once('error', reject);
  });
}

test('sends an event with the latest state of its key, once per flush', async () => {
  const client = await connect();
  let described = 0;
  for (const state of [1, 2, 3]) {
    stream.publish('trace', 'a', () => {
      described++;
      return { state };
    });
  }
  stream.publish('trace', 'b', () => ({ state: 'b' }));
  await waitUntil(() => client.text().includes('"b"'), 'the events');
  assert.equal(
    client.text(),
    'retry: 2000\n\nevent: trace\ndata: {"state":3}\n\nevent: trace\ndata: {"state":"b"}\n\n',
  );
  assert.equal(described, 1);
});

test('keeps the latest events when there are too many for one flush', async () => {
  const client = await connect();
  for (let key = 1; key <= 300; key++) stream.publish('trace', key, () => key);
  await waitUntil(() => client.text().includes('data: 300\n'), 'the events');
  const keys = [...client.text().matchAll(/data: (\d+)/g)].map(([, key]) => Number(key));
  assert.deepEqual([keys.length, keys[0], keys.at(-1)], [200, 101, 300]);
});

test('describes nothing while there is no client', async () => {
  let described = 0;
  stream.publish('trace', 'a', () => ++described);
  const client = await connect();
  stream.publish('trace', 'b', () => 'b');
  await waitUntil(() => client.text().includes('"b"'), 'the event');
  assert.equal(described, 0);
});

test('refuses more clients than it has room for, and accepts one again after another has left', async () => {
  const clients = await Promise.all(Array.from({ length: maxClients }, connect));
  assert.ok(clients.every(({ status }) => status === 200));
  assert.equal((await connect()).status, 503);
  clients[0]?.destroy();
  await waitUntil(async () => (await connect()).status === 200, 'room for a client');
});

test('ends all streams when it closes', async () => {
  const clients = await Promise.all([connect(), connect()]);
  stream.close();
  await waitUntil(() => clients.every((client) => client.isClosed()), 'the end of the streams');
});
