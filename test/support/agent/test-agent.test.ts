// What the test agent adds to the local agent: settings, queued requests, forgetting, recording and waiting.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { announce, ask, sendSpans, wireSpan } from '../../unit/devtools/support.js';
import { TestAgent } from './test-agent.js';
import { waitUntil } from './wait-until.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start({ record: true });
});
afterEach(() => agent.close());

test('changes the response to an announce', async () => {
  agent.announceSettings.extraHeaders = ['x-show-me'];
  agent.announceSettings.tracing = { 'extra-http-headers': ['x-new'] };
  agent.announceSettings.assignPid = (pid) => pid + 1000;
  agent.announceSettings.secrets = { matcher: 'none', list: [] };
  const { json } = await announce(agent, 5);
  assert.deepEqual(json, {
    agentUuid: '02:42:ac:ff:fe:11:00:02',
    pid: 1005,
    secrets: { matcher: 'none', list: [] },
    tracing: { 'extra-http-headers': ['x-new'] },
    extraHeaders: ['x-show-me'],
  });
  assert.equal((await ask(agent, 'HEAD', '/com.instana.plugin.nodejs.1005')).status, 200);
  agent.announceSettings.rewrite = () => [null];
  assert.deepEqual((await announce(agent, 6)).json, [null]);
});

test('responds to metrics with the queued requests, once', async () => {
  await announce(agent, 9);
  const queued = { action: 'node.source', messageId: 'a b/1', args: { file: '/x' } };
  agent.queueRequest(9, queued);
  assert.deepEqual((await ask(agent, 'POST', '/com.instana.plugin.nodejs.9', { pid: 9 })).json, [queued]);
  assert.deepEqual((await ask(agent, 'POST', '/com.instana.plugin.nodejs.9', {})).json, []);
  const confirmed = await ask(agent, 'POST', '/com.instana.plugin.nodejs/response.9?messageId=a%20b%2F1', {
    error: 'no',
  });
  assert.equal(confirmed.status, 204);
});

test('knows no process after it has forgotten them, neither for metrics nor for traces', async () => {
  await announce(agent, 9);
  agent.forget();
  assert.equal((await ask(agent, 'HEAD', '/com.instana.plugin.nodejs.9')).status, 404);
  assert.equal((await ask(agent, 'POST', '/com.instana.plugin.nodejs.9', {})).status, 404);
  assert.equal((await sendSpans(agent, 9, [wireSpan()])).status, 404);
  await announce(agent, 9);
  assert.equal((await sendSpans(agent, 9, [wireSpan()])).status, 200);
  assert.equal(agent.spans().length, 1);
});

test('records method, path, headers, body and time of each request', async () => {
  await announce(agent, 3);
  const [recorded] = agent.requests('PUT', '/com.instana.plugin.nodejs');
  assert.equal(recorded?.path, '/com.instana.plugin.nodejs.discovery');
  assert.equal(recorded?.headers['content-type'], 'application/json');
  assert.deepEqual(recorded?.body, { pid: 3, name: '/usr/bin/node', args: ['app.js'] });
  assert.ok(Math.abs((recorded?.timeMs ?? 0) - Date.now()) < 60_000);
});

test('explains what it waited for when the time is up', async () => {
  await assert.rejects(agent.waitForSpans(2, 20), /0 instead of 2 spans arrived within 20 ms/);
  await assert.rejects(
    waitUntil(() => null, 'the moon', 20),
    /the moon did not come within 20 ms/,
  );
});

test('waits for spans by number and by what they are, counted from the last clear', async () => {
  await sendSpans(agent, 1, [wireSpan()]);
  assert.equal((await agent.waitForSpans(1)).length, 1);
  agent.clear();
  assert.equal(agent.receivedSpanCount(), 0);
  const arriving = agent.waitForSpans((spans) => spans.some(({ s }) => s === '0000000000000042'));
  await sendSpans(agent, 1, [wireSpan({ s: '0000000000000042' })]);
  assert.equal((await arriving).length, 1);
});
