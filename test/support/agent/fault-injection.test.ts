// Each way in which a test agent misbehaves, and what it waits for.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import { announce, ask, sendSpans, wireSpan } from '../../unit/devtools/support.js';
import { lookupResponses } from './fault-injection.js';
import { TestAgent } from './test-agent.js';
import { waitUntil } from './wait-until.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start({ record: true });
});
afterEach(() => agent.close());

test('rejects the given number of announces and then accepts them', async () => {
  agent.faults.set('announce', { kind: 'respond', status: 503 }, { times: 2 });
  const statuses = [];
  for (let attempt = 0; attempt < 3; attempt++) statuses.push((await announce(agent, 1)).status);
  assert.deepEqual(statuses, [503, 503, 200]);
});

test('does not know a process whose announce it rejected', async () => {
  agent.faults.set('announce', { kind: 'respond', status: 500 });
  await announce(agent, 1);
  assert.equal((await ask(agent, 'HEAD', '/com.instana.plugin.nodejs.1')).status, 404);
});

test('is not ready for the given number of requests', async () => {
  await announce(agent, 1);
  agent.faults.set('ready', { kind: 'respond', status: 404 }, { times: 1 });
  assert.equal((await ask(agent, 'HEAD', '/com.instana.plugin.nodejs.1')).status, 404);
  assert.equal((await ask(agent, 'HEAD', '/com.instana.plugin.nodejs.1')).status, 200);
});

test('stores no spans that it refuses, and sends Retry-After', async () => {
  for (const status of [404, 413, 429, 500, 503]) {
    agent.faults.set('traces', { kind: 'respond', status, headers: { 'Retry-After': '1' } });
    const response = await sendSpans(agent, 1, [wireSpan()]);
    assert.equal(response.status, status);
    assert.equal(response.headers['retry-after'], '1');
  }
  assert.equal(agent.receivedSpanCount(), 0);
  agent.faults.clear('traces');
  await sendSpans(agent, 1, [wireSpan()]);
  assert.equal(agent.receivedSpanCount(), 1);
});

test('stores spans whose response is garbage, late, cut short or very long', async () => {
  agent.faults.set('traces', { kind: 'respond', body: '\u0000<html>' });
  assert.equal((await sendSpans(agent, 1, [wireSpan()])).text, '\u0000<html>');
  agent.faults.set('traces', { kind: 'delay', ms: 30 });
  assert.equal((await sendSpans(agent, 1, [wireSpan()])).status, 200);
  agent.faults.set('traces', { kind: 'short-body' });
  await assert.rejects(sendSpans(agent, 1, [wireSpan()]));
  agent.faults.set('traces', { kind: 'huge-body', bytes: 3_000_000 });
  assert.equal((await sendSpans(agent, 1, [wireSpan()])).text.length, 3_000_000);
  assert.equal(agent.receivedSpanCount(), 4);
});

test('ends connections without a response, by RST or by FIN, and stores nothing', async () => {
  agent.faults.set('traces', { kind: 'reset' });
  await assert.rejects(sendSpans(agent, 1, [wireSpan()]));
  agent.faults.set('traces', { kind: 'fin' });
  await assert.rejects(sendSpans(agent, 1, [wireSpan()]));
  assert.equal(agent.receivedSpanCount(), 0);
});

test('hangs on every request, and closes nevertheless', { timeout: 20_000 }, async () => {
  agent.faults.set('all', { kind: 'hang' });
  const outcomes = [ask(agent, 'GET', '/'), announce(agent, 1), sendSpans(agent, 1, [])].map((response) =>
    response.then(
      () => 'responded',
      () => 'ended',
    ),
  );
  await waitUntil(() => agent.requests().length === 3, 'three requests', 5000);
  await agent.close();
  assert.deepEqual(await Promise.all(outcomes), ['ended', 'ended', 'ended']);
});

test('drips a body for ever until the client leaves', async () => {
  agent.faults.set('lookup', { kind: 'endless-body', everyMs: 5 });
  const blanks = await new Promise<number>((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port: agent.port, path: '/' }, (response) => {
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size < 3) return;
        call.destroy();
        resolve(size);
      });
    });
    call.once('error', reject).end();
  });
  assert.ok(blanks >= 3);
});

test('responds to the look-up as other servers do', async () => {
  agent.faults.set('lookup', lookupResponses.onlyServerHeader);
  const header = await ask(agent, 'GET', '/');
  assert.deepEqual([header.headers['server'], header.text], ['Instana Agent', '']);
  agent.faults.set('lookup', lookupResponses.onlyVersion);
  const version = await ask(agent, 'GET', '/');
  assert.deepEqual([version.headers['server'], version.json], [undefined, { version: '1.1.999' }]);
  agent.faults.set('lookup', lookupResponses.nginx);
  assert.match((await ask(agent, 'GET', '/')).text, /nginx/);
  agent.faults.set('lookup', { kind: 'respond', status: 302, headers: { Location: 'http://127.0.0.1:1/' } });
  assert.equal((await ask(agent, 'GET', '/')).headers['location'], 'http://127.0.0.1:1/');
});

test('closes each connection', async () => {
  agent.faults.set('lookup', { kind: 'close' });
  const { status, headers } = await ask(agent, 'GET', '/');
  assert.deepEqual([status, headers['connection']], [200, 'close']);
});
