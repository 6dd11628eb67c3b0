// The connection to an agent, or to who may be one: limits in time and size.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HttpConnection } from '../../../src/transport/http-connection.js';
import { FakeAgent, hang } from '../agent/fake-agent.js';
import { until } from '../agent/support.js';

const mebibyte = 1024 * 1024;

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
  const sender = new HttpConnection();
  const { status, text, isComplete } = await sender.send(
    { host: '127.0.0.1', port: server.port },
    { method: 'GET', path: '/' },
  );
  assert.deepEqual([status, isComplete], [200, false]);
  assert.ok(text.length <= mebibyte && text.length > mebibyte / 2);
  await until('the socket is closed', () => server.sockets.size === 0);
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
  const sender = new HttpConnection(200);
  const address = { host: '127.0.0.1', port: server.port };
  const answer = await sender.send(address, { method: 'GET', path: '/' });
  assert.deepEqual([answer.status, answer.isComplete], [200, false]);
  await assert.rejects(
    sender.send(address, { method: 'HEAD', path: '/com.instana.plugin.nodejs.1' }),
    /no answer in time/,
  );
  await until('the sockets are closed', () => server.sockets.size === 0);
});

test('notices an answer that ends short of its length', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  server.on('lookup', (response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('{"version":1}', () => response.socket?.end());
  });
  const sender = new HttpConnection(60_000);
  const answer = await sender.send({ host: '127.0.0.1', port: server.port }, { method: 'GET', path: '/' });
  assert.deepEqual([answer.text, answer.isComplete], ['{"version":1}', false]);
});

test('reads all of a long answer whose end is the end of the connection', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const long = 'x'.repeat(900_000);
  server.on('lookup', (response) => void response.socket?.end(`HTTP/1.1 200 OK\r\n\r\n${long}`));
  const sender = new HttpConnection(60_000);
  const answer = await sender.send({ host: '127.0.0.1', port: server.port }, { method: 'GET', path: '/' });
  assert.equal(answer.text.length, long.length);
  assert.ok(answer.isComplete);
});
