// What uses a port that is taken.
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { LocalAgent } from '../../../../src/devtools/server/local-agent.js';
import { describePortOwner } from '../../../../src/devtools/terminal/port-owner.js';

async function describe(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await describePortOwner('127.0.0.1', (server.address() as AddressInfo).port); // a TCP server has this form
  } finally {
    await new Promise((resolve) => {
      server.close(resolve);
      if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') {
        server.closeAllConnections();
      }
    });
  }
}

test('names the process that listens, where the system reveals it', {
  skip: process.platform !== 'linux',
}, async () => {
  const text = await describe(createHttpServer((_request, response) => response.end()));
  assert.match(text, new RegExp(`, process ${process.pid} \\(.+\\)$`));
});

test('recognises an agent by its version or its Server header, on any local address', async () => {
  const agent = await LocalAgent.start();
  for (const host of ['127.0.0.1', '0.0.0.0', 'localhost']) {
    assert.match(await describePortOwner(host, agent.port), /^another Instana agent \(version 1\.1\.999\)/);
  }
  await agent.close();
  const old = createHttpServer((_request, response) => response.setHeader('Server', 'Instana Agent').end());
  assert.match(await describe(old), /^another Instana agent \(version unknown\)/);
});

test('describes other servers by their Server header', async () => {
  const nginx = createHttpServer((_request, response) => response.setHeader('Server', 'nginx').end('<html>'));
  assert.match(await describe(nginx), /^a server that is not an Instana agent \(Server: nginx\)/);
  const plain = createHttpServer((_request, response) => response.end('{"version"'));
  assert.match(await describe(plain), /^a server that is not an Instana agent \(no Server header\)/);
});

test('says so if the server does not speak HTTP', async () => {
  const banner = createServer((socket) =>
    socket
      .on('error', () => {})
      .resume()
      .end('SSH-2.0-OpenSSH_9.6\r\n'),
  );
  assert.match(await describe(banner), /^something that does not speak HTTP/);
});
