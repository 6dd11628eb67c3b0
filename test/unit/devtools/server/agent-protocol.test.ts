// The host agent's protocol, as sensors meet it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { TestAgent } from '../../../support/agent/test-agent.js';
import { announce, ask, sendSpans, wireSpan } from '../support.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start({ record: true });
});
afterEach(() => agent.close());

interface Exchange {
  request: { method: string; path: string; headers: Record<string, string>; body: unknown };
  response: { status: number; body: unknown };
}

test('answers the recorded start of the official sensor as the recording agent did', async () => {
  const vectors = join(__dirname, '../../../../../test/vectors/agent-startup.json');
  const exchanges: Exchange[] = JSON.parse(readFileSync(vectors, 'utf8'));
  assert.ok(exchanges.length > 10);
  for (const { request, response } of exchanges) {
    const hasBody =
      request.body !== null && request.body !== '' && request.method !== 'GET' && request.method !== 'HEAD';
    const answer = await ask(agent, request.method, request.path, hasBody ? request.body : undefined, request.headers);
    assert.equal(answer.status, response.status, `${request.method} ${request.path}`);
    if (request.path.endsWith('/') || request.method === 'PUT') {
      const wanted = response.body as { agentUuid?: string; pid?: number; version?: string };
      const got = answer.json as typeof wanted;
      assert.equal(got.version, wanted.version);
      assert.equal(got.pid, wanted.pid);
      assert.equal(got.agentUuid, wanted.agentUuid);
    }
    if (Array.isArray(response.body)) assert.deepEqual(answer.json, response.body);
  }
  assert.equal(agent.requests().length, exchanges.length);
  assert.deepEqual(
    agent.processes.views().map(({ pid }) => pid),
    [12345],
  );
});

test('says on look-up who it is, in both ways', async () => {
  const { status, headers, json } = await ask(agent, 'GET', '/');
  assert.equal(status, 200);
  assert.deepEqual(json, { version: '1.1.999' });
  assert.equal(headers['server'], 'Instana Agent');
});

test('shows a page of text to a browser that looks it up', async () => {
  const { status, text } = await ask(agent, 'GET', '/', undefined, { Accept: 'text/html,*/*' });
  assert.equal(status, 200);
  assert.match(text, /\/api\/traces/);
});

for (const plugin of ['nodejs', 'python']) {
  test(`announces a process of the ${plugin} plugin and is then ready for it`, async () => {
    assert.equal((await ask(agent, 'HEAD', `/com.instana.plugin.${plugin}.77`)).status, 404);
    const { status, json } = await announce(agent, 77, plugin);
    assert.equal(status, 200);
    assert.deepEqual(json, {
      agentUuid: '02:42:ac:ff:fe:11:00:02',
      pid: 77,
      secrets: { matcher: 'contains-ignore-case', list: ['key', 'pass', 'secret'] },
    });
    assert.equal((await ask(agent, 'HEAD', `/com.instana.plugin.${plugin}.77`)).status, 200);
  });
}

test('lets tests wait for a process', async () => {
  const waited = agent.waitForProcess();
  await announce(agent, 88);
  assert.equal((await waited).pid, 88);
  assert.equal((await agent.waitForProcess(88)).name, 'app.js');
});

test('refuses an announce without a pid', async () => {
  for (const body of [null, [], 7, {}, { pid: 'x' }, { pid: 0 }, { pid: 1.5 }]) {
    assert.equal(
      (await ask(agent, 'PUT', '/com.instana.plugin.nodejs.discovery', body)).status,
      400,
      JSON.stringify(body),
    );
  }
  assert.deepEqual(agent.processes.views(), []);
});

test('tells what it is set to tell in the announce answer', async () => {
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

test('answers metrics with the queued requests, once', async () => {
  await announce(agent, 9);
  const wanted = { action: 'node.source', messageId: 'a b/1', args: { file: '/x' } };
  agent.queueRequest(9, wanted);
  assert.deepEqual((await ask(agent, 'POST', '/com.instana.plugin.nodejs.9', { pid: 9 })).json, [wanted]);
  assert.deepEqual((await ask(agent, 'POST', '/com.instana.plugin.nodejs.9', {})).json, []);
  const answered = await ask(agent, 'POST', '/com.instana.plugin.nodejs/response.9?messageId=a%20b%2F1', {
    error: 'no',
  });
  assert.equal(answered.status, 204);
});

test('knows nobody after it has forgotten, neither for metrics nor for traces', async () => {
  await announce(agent, 9);
  agent.forget();
  assert.equal((await ask(agent, 'HEAD', '/com.instana.plugin.nodejs.9')).status, 404);
  assert.equal((await ask(agent, 'POST', '/com.instana.plugin.nodejs.9', {})).status, 404);
  assert.equal((await sendSpans(agent, 9, [wireSpan()])).status, 404);
  await announce(agent, 9);
  assert.equal((await sendSpans(agent, 9, [wireSpan()])).status, 200);
  assert.equal(agent.spans().length, 1);
});

test('takes the side requests of sensors and knows no other plugin', async () => {
  for (const path of ['/tracermetrics', '/com.instana.agent.logger', '/com.instana.plugin.generic.event']) {
    assert.equal((await ask(agent, 'POST', path, {})).status, 200, path);
  }
  assert.equal((await ask(agent, 'POST', '/com.instana.plugin.generic.agent-monitoring-event', {})).status, 200);
  assert.equal((await ask(agent, 'PUT', '/com.instana.plugin.typescript.discovery', { pid: 1 })).status, 404);
});

test('joins spans of the 2018 Python sensor, whose ids are signed numbers', async () => {
  const span = JSON.stringify({ ...wireSpan(), t: 0, s: 0, p: null, n: 'wsgi', k: undefined });
  const body = `[${span.replaceAll(':0,', ':-3533330604205408529,')}]`;
  assert.equal((await ask(agent, 'POST', '/com.instana.plugin.python/traces.4242', body)).status, 200);
  const [trace] = agent.traces.list({});
  assert.match(trace?.traceId ?? '', /^cef716892e51[0-9a-f]{4}$/);
});

test('keeps wrong spans out and takes the others of the batch', async () => {
  const wrong = [null, 7, [], {}, { ...wireSpan(), ts: 1e300 }, { ...wireSpan(), t: {} }, { ...wireSpan(), data: 'x' }];
  const body = `[{"__proto__":{"polluted":1},"t":"1","s":"2"},${JSON.stringify([...wrong, wireSpan()]).slice(1)}`;
  assert.equal((await ask(agent, 'POST', '/com.instana.plugin.nodejs/traces.1', body)).status, 200);
  assert.equal(agent.spans().length, 1);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('records method, path, headers, body and time of each request', async () => {
  await announce(agent, 3);
  const [recorded] = agent.requests('PUT', '/com.instana.plugin.nodejs');
  assert.equal(recorded?.path, '/com.instana.plugin.nodejs.discovery');
  assert.equal(recorded?.headers['content-type'], 'application/json');
  assert.deepEqual(recorded?.body, { pid: 3, name: '/usr/bin/node', args: ['app.js'] });
  assert.ok(Math.abs((recorded?.timeMs ?? 0) - Date.now()) < 60_000);
});
