// Bodies that are too large, too deep, compressed or no JSON, over real sockets.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { TestAgent } from '../../../support/agent/test-agent.js';
import { ask, sendRaw, wireSpan } from '../support.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start();
});
afterEach(() => agent.close());

const traces = '/com.instana.plugin.nodejs/traces.1';

test('refuses a body that is too large before reading it, and ends the connection', { timeout: 20_000 }, async () => {
  const response = await sendRaw(
    agent.port,
    `POST ${traces} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n[`,
  );
  assert.match(response, /^HTTP\/1\.1 413 /);
  assert.match(response, /connection: close/i);
});

test('refuses a body of unknown length once it is too large', { timeout: 30_000 }, async () => {
  const chunk = `100000\r\n${' '.repeat(0x100000)}\r\n`;
  const status = await new Promise<string>((resolve) => {
    const socket = connect(agent.port, '127.0.0.1');
    socket.setEncoding('utf8').once('data', (data) => resolve(String(data).slice(0, 12)));
    socket.on('error', () => {}); // The agent may end it while we still send.
    socket.write(
      `POST ${traces} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    for (let sent = 0; sent < 22; sent++) socket.write(chunk);
  });
  assert.equal(status, 'HTTP/1.1 413');
});

test('refuses compressed bodies', async () => {
  assert.equal((await ask(agent, 'POST', traces, 'x', { 'Content-Encoding': 'gzip' })).status, 415);
});

test('refuses JSON that is nested too deep, broken or of the wrong kind, and goes on', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  for (const body of [deep, '[', 'null', '{}', '7']) assert.equal((await ask(agent, 'POST', traces, body)).status, 400);
  assert.equal(
    (await ask(agent, 'POST', traces, `[${JSON.stringify(wireSpan({ data: { x: '[[[["\\"]]' } }))}]`)).status,
    200,
  );
  assert.equal((await ask(agent, 'GET', '/api/traces')).status, 200);
});
