// The look-up request: limits in time and size, straight to the address.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { JsonRequester } from '../../src/base/json-request.js';
import { FakeAgent, hang } from './fake-agent.js';
import { until } from './support.js';

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
  const requester = new JsonRequester();
  const { status, text, isComplete } = await requester.send(
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
  const requester = new JsonRequester(200);
  const address = { host: '127.0.0.1', port: server.port };
  const answer = await requester.send(address, { method: 'GET', path: '/' });
  assert.deepEqual([answer.status, answer.isComplete], [200, false]);
  await assert.rejects(
    requester.send(address, { method: 'HEAD', path: '/com.instana.plugin.nodejs.1' }),
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
  const requester = new JsonRequester(60_000);
  const answer = await requester.send({ host: '127.0.0.1', port: server.port }, { method: 'GET', path: '/' });
  assert.deepEqual([answer.text, answer.isComplete], ['{"version":1}', false]);
});

test('reads all of a long answer whose end is the end of the connection', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const long = 'x'.repeat(900_000);
  server.on('lookup', (response) => void response.socket?.end(`HTTP/1.1 200 OK\r\n\r\n${long}`));
  const requester = new JsonRequester(60_000);
  const answer = await requester.send({ host: '127.0.0.1', port: server.port }, { method: 'GET', path: '/' });
  assert.equal(answer.text.length, long.length);
  assert.ok(answer.isComplete);
});

test('goes straight to the agent whatever proxy the environment names', async (t) => {
  let proxied = 0;
  const proxy = createServer((_request, response) => {
    proxied += 1;
    response.end();
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  t.after(() => proxy.close());
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']) process.env[name] = url;
  const requester = new JsonRequester();
  t.after(() => requester.close());
  const answer = await requester.send({ host: '127.0.0.1', port: server.port }, { method: 'GET', path: '/' });
  assert.equal(answer.status, 200);
  assert.equal(proxied, 0);
});

test('rejects, and never throws, for addresses that cannot be', async () => {
  const requester = new JsonRequester(2000);
  for (const host of ['', 'a b', '::', 'host.invalid', '[', '%00', 'a/b']) {
    await assert.rejects(requester.send({ host, port: 1 }, { method: 'GET', path: '/' }));
  }
});

test('leaves the output streams of the process alone', async (t) => {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const requester = new JsonRequester();
  t.after(() => requester.close());
  const callers: string[] = [];
  const original = Object.getOwnPropertyDescriptor(process, 'stdout');
  assert.ok(original !== undefined);
  Object.defineProperty(process, 'stdout', {
    configurable: true,
    get() {
      callers.push(String(new Error().stack));
      return original.get?.call(process);
    },
  });
  t.after(() => Object.defineProperty(process, 'stdout', original));
  const { text } = await requester.send({ host: '127.0.0.1', port: server.port }, { method: 'GET', path: '/' });
  assert.equal(text, '{"version":"1.1.999"}');
  assert.deepEqual(
    callers.filter((stack) => stack.includes('node-fetch')),
    [],
  );
});
