// Where the agent listens, and what it does with slow clients.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { TestAgent } from '../../../support/agent/test-agent.js';
import { ask } from '../support.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start();
});
afterEach(() => agent.close());

test('listens on loopback only', { skip: process.platform !== 'linux' }, () => {
  const port = `:${agent.port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listening = ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(port) && state === '0A')
    .map(([, local]) => local?.split(':')[0]);
  assert.ok(listening.includes('0100007F'));
  for (const address of listening) {
    assert.ok(address === '0100007F' || address === '00000000000000000000000001000000', address);
  }
});

test('serves others while many requests are half open, and cuts those off', { timeout: 40_000 }, async () => {
  const sockets = Array.from({ length: 200 }, () => connect(agent.port, '127.0.0.1'));
  const ended = sockets.map(
    (socket) =>
      new Promise<void>((resolve) => {
        socket.on('error', () => {}); // The agent is meant to cut it off.
        socket.once('connect', () => socket.write('GET / HTTP/1.1\r\nHost: loc'));
        socket.once('close', () => resolve()).resume();
      }),
  );
  assert.equal((await ask(agent, 'GET', '/')).status, 200);
  await Promise.all(ended);
});
