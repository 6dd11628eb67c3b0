// The client against real sockets: what comes back, one connection, TLS with a certificate that is looked at.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Outcome } from '../../../src/export/outcome.js';
import { OtlpClient } from '../../../src/otlp/otlp-client.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { answerWith, certificateFile, OtlpReceiver } from '../../support/otlp.js';

async function receive(t: TestContext, isSecure = false): Promise<OtlpReceiver> {
  const receiver = await new OtlpReceiver(isSecure).listen();
  t.after(() => receiver.close());
  return receiver;
}

function connect(t: TestContext, url: string, headers: Record<string, string> = {}, timeoutMs = 5000): OtlpClient {
  const client = new OtlpClient(url, { headers, timeoutMs });
  t.after(() => client.close());
  return client;
}

test('posts JSON with its headers over one connection', async (t) => {
  const receiver = await receive(t);
  const client = connect(t, `http://127.0.0.1:${receiver.port}/base/v1/traces?a=b`, {
    'x-instana-key': 'k',
    'x-b': 'ü',
  });
  for (const body of ['{"a":1}', Buffer.from('{"ü":2}'), '{"c":3}'])
    assert.deepEqual(await client.post(body), { kind: 'accepted' });
  assert.equal(receiver.connections, 1);
  assert.deepEqual(
    receiver.requests.map(({ method, path, text }) => [method, path, text]),
    ['{"a":1}', '{"ü":2}', '{"c":3}'].map((text) => ['POST', '/base/v1/traces?a=b', text]),
  );
  const headers = receiver.requests[0]?.headers ?? {};
  assert.equal(headers['x-instana-key'], 'k');
  assert.equal(headers['x-b'], 'ü');
  assert.match(headers['content-type'] ?? '', /^application\/json/);
});

test('tells acceptance, part of it, a later chance and refusal apart', async (t) => {
  const receiver = await receive(t);
  const client = connect(t, `http://127.0.0.1:${receiver.port}/v1/traces`);
  const outcome = (status: number, body: unknown = {}, headers = {}): Promise<Outcome> => {
    receiver.handler = answerWith(status, body, headers);
    return client.post('{}');
  };
  assert.deepEqual(await outcome(200), { kind: 'accepted' });
  assert.deepEqual(await outcome(202, ''), { kind: 'accepted' });
  assert.deepEqual(await outcome(200, 'partialSuccess, but no JSON'), { kind: 'accepted' });
  assert.deepEqual(await outcome(200, { partialSuccess: {} }), { kind: 'accepted' });
  assert.deepEqual(await outcome(200, { partialSuccess: { rejectedSpans: '3', errorMessage: 'too old' } }), {
    kind: 'partial',
    rejected: 3,
    message: 'too old',
  });
  assert.deepEqual(await outcome(200, { partialSuccess: { rejectedDataPoints: 2 } }), {
    kind: 'partial',
    rejected: 2,
    message: '',
  });
  assert.deepEqual(await outcome(200, { partialSuccess: { errorMessage: 'deprecated' } }), {
    kind: 'partial',
    rejected: 0,
    message: 'deprecated',
  });
  for (const status of [429, 502, 503, 504])
    assert.deepEqual(await outcome(status), { kind: 'retry', status, retryAfterMs: null });
  assert.deepEqual(await outcome(503, {}, { 'Retry-After': '7' }), { kind: 'retry', status: 503, retryAfterMs: 7000 });
  for (const status of [302, 400, 401, 404, 500]) assert.deepEqual(await outcome(status), { kind: 'refused', status });
  assert.deepEqual(await outcome(413), { kind: 'too-large', status: 413 });
});

test('never rejects, whatever is or is not at the other end', async (t) => {
  const receiver = await receive(t);
  const { port } = receiver;
  const client = connect(t, `http://127.0.0.1:${port}/`, {}, 300);
  receiver.handler = () => {};
  assert.deepEqual(await client.post('{}'), { kind: 'unreachable', reason: 'no answer in time' });
  receiver.handler = (response) => void response.socket?.resetAndDestroy();
  assert.deepEqual(await client.post('{}'), { kind: 'unreachable', reason: 'ECONNRESET' });
  await receiver.close();
  assert.deepEqual(await client.post('{}'), { kind: 'unreachable', reason: 'ECONNREFUSED' });
  assert.equal((await connect(t, 'http://host.invalid/').post('{}')).kind, 'unreachable');
});

test('reads no more of an answer than it wants to know', async (t) => {
  const receiver = await receive(t);
  receiver.handler = answerWith(
    200,
    `{"partialSuccess":{"rejectedSpans":1,"errorMessage":"${'x'.repeat(2_000_000)}"}}`,
  );
  const outcome = await connect(t, `http://127.0.0.1:${receiver.port}/`).post('{}');
  assert.deepEqual(outcome, { kind: 'accepted' });
});

test('can be closed under way and used again', async (t) => {
  const receiver = await receive(t);
  receiver.handler = () => {};
  const client = connect(t, `http://127.0.0.1:${receiver.port}/`);
  const posted = client.post('{}');
  await waitUntil(() => receiver.requests.length === 1, 'the request is there');
  client.close();
  assert.equal((await posted).kind, 'unreachable');
  receiver.handler = answerWith(200);
  assert.deepEqual(await client.post('{}'), { kind: 'accepted' });
});

/** Trusted certificates are read when a process starts. */
async function postElsewhere(url: string, count: number, env: Record<string, string>): Promise<Outcome[]> {
  const child = spawn(process.execPath, [join(__dirname, 'post-app.js'), String(count)], {
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  return JSON.parse(text) as Outcome[];
}

test('speaks TLS, over one connection, with a certificate that it trusts', async (t) => {
  const receiver = await receive(t, true);
  for (const host of ['localhost', '127.0.0.1']) {
    const before = receiver.connections;
    const outcomes = await postElsewhere(`https://${host}:${receiver.port}/v1/traces`, 3, {
      NODE_EXTRA_CA_CERTS: certificateFile,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-instana-key=k',
    });
    assert.deepEqual(outcomes, [{ kind: 'accepted' }, { kind: 'accepted' }, { kind: 'accepted' }], host);
    assert.equal(receiver.connections - before, 1);
    assert.equal(receiver.requests.at(-1)?.headers['x-instana-key'], 'k');
    assert.equal(receiver.requests.at(-1)?.text, '{"round":2}');
    assert.equal(receiver.serverName, host === 'localhost' ? host : false, 'an address is no name');
  }
});

test('sends nothing, headers least of all, to who has a certificate that it does not trust', async (t) => {
  const receiver = await receive(t, true);
  const [outcome] = await postElsewhere(`https://localhost:${receiver.port}/v1/traces`, 1, {
    OTEL_EXPORTER_OTLP_HEADERS: 'x-instana-key=k',
  });
  assert.equal(outcome?.kind, 'unreachable');
  assert.deepEqual(receiver.requests, []);
});

test('finds out that the other end does not speak TLS', async (t) => {
  const receiver = await receive(t);
  const outcome = await connect(t, `https://127.0.0.1:${receiver.port}/`).post('{}');
  assert.equal(outcome.kind, 'unreachable');
});
