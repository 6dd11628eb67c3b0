// The connection to an agent: one socket, one quiet retry, whatever comes back.
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { HttpConnection } from '../../../src/transport/http-connection.js';
import { FakeAgent, hang, reply } from '../agent/fake-agent.js';
import { until } from '../agent/support.js';

test('uses one socket over and over, and another when the agent closes it', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const channel = new HttpConnection();
  t.after(() => channel.close());
  const address = { host: '127.0.0.1', port: server.port };
  for (let round = 0; round < 5; round++) await channel.send(address, { method: 'GET', path: '/' });
  assert.equal(server.mostSockets, 1);
  server.on('lookup', reply(200, '{}', { Connection: 'close' }));
  for (let round = 0; round < 5; round++) await channel.send(address, { method: 'GET', path: '/' });
  await until('all are closed', () => server.sockets.size === 0);
  assert.equal(server.received.length, 10);
});

test('rejects, and never throws, for addresses that cannot be', async () => {
  const channel = new HttpConnection(2000);
  for (const host of ['', 'a b', '::', 'host.invalid', '[', '%00', 'a/b']) {
    await assert.rejects(channel.send({ host, port: 1 }, { method: 'GET', path: '/' }));
    await assert.rejects(channel.send({ host, port: 1 }, { method: 'PUT', path: '/', body: () => '{}' }));
  }
});

test('makes the body once the socket that carries it is connected', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const channel = new HttpConnection();
  t.after(() => channel.close());
  const address = { host: '127.0.0.1', port: server.port };
  await channel.send(address, { method: 'GET', path: '/' });
  let localPort: number | undefined;
  server.on('announce', (response, received, request) => {
    assert.equal(request.socket.remotePort, localPort);
    server.usual(response, received);
  });
  const answer = await channel.send(address, {
    method: 'PUT',
    path: '/com.instana.plugin.nodejs.discovery',
    body: (socket) => {
      ({ localPort } = socket);
      return '{}';
    },
  });
  assert.equal(answer.status, 200);
  await channel.send(address, { method: 'GET', path: '/' });
  await until('only that socket is left', () => server.sockets.size === 1);
});

/** A server that answers the requests of all connections, one after the other, with what `answers` says. */
async function scripted(t: TestContext, answers: ((socket: Socket, request: string) => void)[]): Promise<number> {
  const sockets = new Set<Socket>();
  let served = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => answers[served++]?.(socket, String(chunk)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const okay = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';

test('asks once more, on a new connection, when the kept one ended without an answer', async (t) => {
  const requests: string[] = [];
  const note = (answer: (socket: Socket) => void) => (socket: Socket, request: string) => {
    requests.push(request);
    answer(socket);
  };
  const port = await scripted(t, [
    note((socket) => socket.write(okay)),
    note((socket) => socket.end()),
    note((socket) => socket.write(okay)),
    note((socket) => socket.resetAndDestroy()),
    note((socket) => socket.write(okay)),
  ]);
  const channel = new HttpConnection();
  t.after(() => channel.close());
  for (let round = 0; round < 3; round++) {
    const { status } = await channel.send(
      { host: '127.0.0.1', port },
      { method: 'POST', path: '/', body: `[${round}]` },
    );
    assert.equal(status, 200);
  }
  assert.deepEqual(
    requests.map((request) => request.slice(-3)),
    ['[0]', '[1]', '[1]', '[2]', '[2]'],
  );
});

test('does not ask again when a new connection ended, or after a byte of the answer', async (t) => {
  const port = await scripted(t, [
    (socket) => socket.end(),
    (socket) => socket.write(okay),
    (socket) => socket.end('HTTP/1.1 20'),
  ]);
  const channel = new HttpConnection();
  t.after(() => channel.close());
  const send = () => channel.send({ host: '127.0.0.1', port }, { method: 'POST', path: '/', body: '[]' });
  await assert.rejects(send(), /ECONNRESET/);
  assert.equal((await send()).status, 200);
  await assert.rejects(send(), /ECONNRESET/);
});

test('writes text beyond ASCII with its length in bytes', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const channel = new HttpConnection();
  t.after(() => channel.close());
  const texts = ['"plain"', '"grün"', '"日本 𝄞"', `"${'ü'.repeat(100_000)}"`];
  for (const body of texts) {
    await channel.send({ host: '127.0.0.1', port: server.port }, { method: 'POST', path: '/other', body });
  }
  assert.deepEqual(
    server.received.map(({ text }) => text),
    texts,
  );
  assert.equal(server.mostSockets, 1);
});

test('gives up what speaks another protocol, and bytes that nobody asked for', async (t) => {
  const port = await scripted(t, [
    (socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
    (socket) => socket.write(`${okay}${okay}`),
    (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]'),
  ]);
  const channel = new HttpConnection();
  t.after(() => channel.close());
  const send = () => channel.send({ host: '127.0.0.1', port }, { method: 'POST', path: '/', body: '[]' });
  await assert.rejects(send(), /no HTTP/);
  assert.equal((await send()).text, '{}');
  // The second answer of the same connection belongs to no request.
  assert.equal((await send()).text, '[]');
});

test('gives up at once when it is closed', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  server.on('other', hang);
  const channel = new HttpConnection();
  const sent = channel.send({ host: '127.0.0.1', port: server.port }, { method: 'POST', path: '/other', body: '1' });
  await until('the request is there', () => server.received.length === 1);
  channel.close();
  await assert.rejects(sent, /closed/);
  await until('the socket is closed', () => server.sockets.size === 0);
});
