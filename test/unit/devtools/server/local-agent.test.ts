// The agent as a whole: its address, and how it ends.
import assert from 'node:assert/strict';
import { Agent, get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { LocalAgent } from '../../../../src/devtools/server/local-agent.js';
import { waitUntil } from '../../../support/agent/wait-until.js';
import { metricsDocument } from '../otlp-documents.js';
import { announce, ask, sendSpans, wireSpan } from '../support.js';

/** Opens a request and resolves with its response, which may never end. */
function open(port: number, path: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, resolve).once('error', reject);
  });
}

test('closes while clients are connected: ends their connections, serves no more and frees the port', {
  timeout: 20_000,
}, async () => {
  const agent = await LocalAgent.start({ monitorProcesses: true });
  const { port } = agent;
  await announce(agent, process.pid);
  await sendSpans(agent, process.pid, [wireSpan()]);
  const keepAlive = new Agent({ keepAlive: true });
  const stream = await open(port, '/api/stream', keepAlive);
  let isStreamClosed = false;
  stream.on('error', () => {}); // It may be cut off.
  stream.once('close', () => {
    isStreamClosed = true;
  });
  stream.resume();
  const idle = await open(port, '/api/stats', keepAlive);
  const { socket } = idle;
  idle.resume();
  await waitUntil(() => Object.keys(keepAlive.freeSockets).length === 1, 'an idle connection');
  await agent.close();
  await waitUntil(() => isStreamClosed && socket.destroyed, 'the end of both connections');
  await assert.rejects(ask({ port }, 'GET', '/'), { code: 'ECONNREFUSED' });
  const successor = await LocalAgent.start({ port });
  assert.equal(successor.port, port);
  await successor.close();
});

test('has an address on loopback by default, with brackets around IPv6', async () => {
  const agent = await LocalAgent.start();
  assert.equal(agent.url, `http://127.0.0.1:${agent.port}`);
  await agent.close();
  const named = await LocalAgent.start({ host: 'localhost' });
  assert.equal(named.url, `http://127.0.0.1:${named.port}`);
  await named.close();
  const wide = await LocalAgent.start({ host: '0.0.0.0' });
  assert.equal(wide.url, `http://0.0.0.0:${wide.port}`);
  await wide.close();
});

test('counts processes once that are announced and report over OTLP', async () => {
  const agent = await LocalAgent.start();
  await announce(agent, 11);
  await ask(agent, 'POST', '/v1/metrics', metricsDocument({ 'process.pid': 11 }, []));
  await ask(agent, 'POST', '/v1/metrics', metricsDocument({ 'process.pid': 12 }, []));
  assert.equal(agent.processCount, 2);
  await agent.close();
});

test('rejects a port that is taken, with the error of the system', async () => {
  const agent = await LocalAgent.start();
  await assert.rejects(LocalAgent.start({ port: agent.port }), { code: 'EADDRINUSE' });
  await agent.close();
});
