// The connection to an agent or collector: one socket, one quiet retry, limits in time and size.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { HttpConnection } from '../../../src/transport/http-connection.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { FakeAgent, hang, reply } from '../agent/fake-agent.js';

const mebibyte = 1024 * 1024;

test('uses one socket over and over, and another when the agent closes it', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const connection = new HttpConnection();
  t.after(() => connection.close());
  const address = { host: '127.0.0.1', port: server.port };
  for (let round = 0; round < 5; round++) await connection.send(address, { method: 'GET', path: '/' });
  assert.equal(server.mostSockets, 1);
  server.on('lookup', reply(200, '{}', { Connection: 'close' }));
  for (let round = 0; round < 5; round++) await connection.send(address, { method: 'GET', path: '/' });
  await waitUntil(() => server.sockets.size === 0, 'the end of every socket');
  assert.equal(server.received.length, 10);
});

test('rejects, and never throws, for addresses that cannot be', async () => {
  const connection = new HttpConnection(2000);
  for (const host of ['', 'a b', '::', 'host.invalid', '[', '%00', 'a/b']) {
    await assert.rejects(connection.send({ host, port: 1 }, { method: 'GET', path: '/' }));
    await assert.rejects(connection.send({ host, port: 1 }, { method: 'PUT', path: '/', body: () => '{}' }));
  }
});

test('makes the body once the socket that carries it is connected', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const connection = new HttpConnection();
  t.after(() => connection.close());
  const address = { host: '127.0.0.1', port: server.port };
  await connection.send(address, { method: 'GET', path: '/' });
  let localPort: number | undefined;
  server.on('announce', (response, received, request) => {
    assert.equal(request.socket.remotePort, localPort);
    server.usual(response, received);
  });
  const response = await connection.send(address, {
    method: 'PUT',
    path: '/com.instana.plugin.nodejs.discovery',
    body: (socket) => {
      ({ localPort } = socket);
      return '{}';
    },
  });
  assert.equal(response.status, 200);
  await connection.send(address, { method: 'GET', path: '/' });
  await waitUntil(() => server.sockets.size === 1, 'the end of all other sockets');
});

/** A server that responds to the requests of all connections, one after the other, with what `responses` says. */
async function scripted(t: TestContext, responses: ((socket: Socket, request: string) => void)[]): Promise<number> {
  const sockets = new Set<Socket>();
  let served = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => responses[served++]?.(socket, String(chunk)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const okay = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';

test('asks once more, on a new connection, when the kept one ended without a response', async (t) => {
  const requests: string[] = [];
  const note = (respond: (socket: Socket) => void) => (socket: Socket, request: string) => {
    requests.push(request);
    respond(socket);
  };
  const port = await scripted(t, [
    note((socket) => socket.write(okay)),
    note((socket) => socket.end()),
    note((socket) => socket.write(okay)),
    note((socket) => socket.resetAndDestroy()),
    note((socket) => socket.write(okay)),
  ]);
  const connection = new HttpConnection();
  t.after(() => connection.close());
  for (let round = 0; round < 3; round++) {
    const { status } = await connection.send(
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

test('does not ask again when a new connection ended, or after a byte of the response', async (t) => {
  const port = await scripted(t, [
    (socket) => socket.end(),
    (socket) => socket.write(okay),
    (socket) => socket.end('HTTP/1.1 20'),
  ]);
  const connection = new HttpConnection();
  t.after(() => connection.close());
  const send = () => connection.send({ host: '127.0.0.1', port }, { method: 'POST', path: '/', body: '[]' });
  await assert.rejects(send(), /ECONNRESET/);
  assert.equal((await send()).status, 200);
  await assert.rejects(send(), /ECONNRESET/);
});

test('writes text beyond ASCII with its length in bytes', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const connection = new HttpConnection();
  t.after(() => connection.close());
  const texts = ['"plain"', '"grün"', '"日本 𝄞"', `"${'ü'.repeat(100_000)}"`];
  for (const body of texts) {
    await connection.send({ host: '127.0.0.1', port: server.port }, { method: 'POST', path: '/other', body });
  }
  assert.deepEqual(
    server.received.map(({ text }) => text),
    texts,
  );
  assert.equal(server.mostSockets, 1);
});

test('gives up a server that speaks another protocol, and ignores bytes that belong to no request', async (t) => {
  const port = await scripted(t, [
    (socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
    (socket) => socket.write(`${okay}${okay}`),
    (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]'),
  ]);
  const connection = new HttpConnection();
  t.after(() => connection.close());
  const send = () => connection.send({ host: '127.0.0.1', port }, { method: 'POST', path: '/', body: '[]' });
  await assert.rejects(send(), /no HTTP/);
  assert.equal((await send()).text, '{}');
  // The second response on the same connection belongs to no request.
  assert.equal((await send()).text, '[]');
});

test('gives up at once when it is closed', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  server.on('other', hang);
  const connection = new HttpConnection();
  const sent = connection.send({ host: '127.0.0.1', port: server.port }, { method: 'POST', path: '/other', body: '1' });
  await waitUntil(() => server.received.length === 1, 'the request');
  connection.close();
  await assert.rejects(sent, /closed/);
  await waitUntil(() => server.sockets.size === 0, 'the end of the socket');
});

test('stops reading after 1 MiB and closes the connection', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  let sentBytes = 0;
  server.on('lookup', (response) => {
    response.writeHead(200);
    const chunk = Buffer.alloc(65_536, 'x');
    const more = (): void => {
      if (response.destroyed || sentBytes >= 64 * mebibyte) return;
      sentBytes += chunk.length;
      if (response.write(chunk)) setImmediate(more);
      else response.once('drain', more);
    };
    more();
  });
  const connection = new HttpConnection();
  const { status, text, isComplete } = await connection.send(
    { host: '127.0.0.1', port: server.port },
    { method: 'GET', path: '/' },
  );
  assert.deepEqual([status, isComplete], [200, false]);
  assert.ok(text.length <= mebibyte && text.length > mebibyte / 2);
  await waitUntil(() => server.sockets.size === 0, 'the end of the socket');
  assert.ok(sentBytes < 16 * mebibyte);
});

test('gives up at the deadline of the wall clock, though bytes still come', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  server.on('lookup', (response) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drip));
  });
  server.on('ready', hang);
  const connection = new HttpConnection(200);
  const address = { host: '127.0.0.1', port: server.port };
  const response = await connection.send(address, { method: 'GET', path: '/' });
  assert.deepEqual([response.status, response.isComplete], [200, false]);
  await assert.rejects(
    connection.send(address, { method: 'HEAD', path: '/com.instana.plugin.nodejs.1' }),
    /no answer in time/,
  );
  await waitUntil(() => server.sockets.size === 0, 'the end of the sockets');
});

test('notices a response that ends short of its length', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  server.on('lookup', (response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('{"version":1}', () => response.socket?.end());
  });
  const connection = new HttpConnection(60_000);
  const response = await connection.send({ host: '127.0.0.1', port: server.port }, { method: 'GET', path: '/' });
  assert.deepEqual([response.text, response.isComplete], ['{"version":1}', false]);
});

test('reads all of a long response whose end is the end of the connection', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const long = 'x'.repeat(900_000);
  server.on('lookup', (response) => void response.socket?.end(`HTTP/1.1 200 OK\r\n\r\n${long}`));
  const connection = new HttpConnection(60_000);
  const response = await connection.send({ host: '127.0.0.1', port: server.port }, { method: 'GET', path: '/' });
  assert.equal(response.text.length, long.length);
  assert.ok(response.isComplete);
});

test('opens another connection when the kept one has not been used for long', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const address = { host: '127.0.0.1', port: server.port };
  for (const [idleMs, sockets] of [
    [60_000, 1],
    [0, 3],
  ] as const) {
    const ports = new Set<number | undefined>();
    server.on('lookup', (response, received, request) => {
      ports.add(request.socket.remotePort);
      server.usual(response, received);
    });
    const connection = new HttpConnection(5000, idleMs);
    for (let round = 0; round < 3; round++) await connection.send(address, { method: 'GET', path: '/' });
    connection.close();
    assert.equal(ports.size, sockets, `idle for ${idleMs} ms`);
  }
});

test('opens another connection for another address', async (t) => {
  const servers = [await new FakeAgent().listen(), await new FakeAgent().listen()];
  t.after(() => Promise.all(servers.map((server) => server.close())));
  const connection = new HttpConnection();
  t.after(() => connection.close());
  for (const { port } of [...servers, ...servers])
    await connection.send({ host: '127.0.0.1', port }, { method: 'GET', path: '/' });
  assert.deepEqual(
    servers.map(({ received }) => received.length),
    [2, 2],
  );
});

test('sends without a response on a kept connection only, and while no request is under way', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const address = { host: '127.0.0.1', port: server.port };
  const connection = new HttpConnection();
  t.after(() => connection.close());
  const last = (body: string): void =>
    connection.sendWithoutResponse(address, { method: 'POST', path: '/other', body: () => body });
  last('"no connection yet"');
  const sent = connection.send(address, { method: 'GET', path: '/' });
  last('"a request is under way"');
  await sent;
  connection.sendWithoutResponse(address, {
    method: 'POST',
    path: '/other',
    body: () => {
      throw new Error('of the body');
    },
  });
  last('"kept"');
  await waitUntil(() => server.of('other').length === 1, 'the request');
  assert.equal(server.of('other')[0]?.text, '"kept"');
});

test('writes bytes as they are, and the lines of the head that it is given', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const connection = new HttpConnection();
  t.after(() => connection.close());
  await connection.send(
    { host: '127.0.0.1', port: server.port },
    { method: 'POST', path: '/other', headLines: 'X-One: 1\r\nX-Two: 2\r\n', body: Buffer.from('"grün"') },
  );
  const [received] = server.received;
  assert.equal(received?.text, '"grün"');
  assert.equal(received?.headers['x-one'], '1');
  assert.equal(received?.headers['x-two'], '2');
  assert.equal(received?.headers['host'], `127.0.0.1:${server.port}`);
  assert.equal(received?.headers['content-length'], String(Buffer.byteLength('"grün"')));
});

test('sends nothing, no credential above all, to a server whose certificate is not trusted', async (t) => {
  const folder = join(__dirname, '../../../../test/apps/certificate');
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => readFileSync(join(folder, name)));
  let requests = 0;
  const server = createSecureServer({ cert, key }, (_request, response) => {
    requests++;
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // a listening TCP server has this form
  const connection = new HttpConnection();
  await assert.rejects(
    connection.send(
      { host: '127.0.0.1', port, isSecure: true },
      { method: 'POST', path: '/', headLines: 'Authorization: secret\r\n', body: '{}' },
    ),
    /CERT|SELF_SIGNED/i,
  );
  assert.equal(requests, 0);
});
