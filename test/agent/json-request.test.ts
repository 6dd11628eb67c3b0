// The look-up request: limits in time and size, straight to the address.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { JsonRequester } from '../../src/base/json-request.js';
import { FakeAgent } from './fake-agent.js';

const _mebibyte = 1024 * 1024;

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
