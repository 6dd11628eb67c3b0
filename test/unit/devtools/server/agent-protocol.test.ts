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

test('responds to the recorded start of the official sensor as the recording agent did', async () => {
  const vectors = join(__dirname, '../../../../../test/vectors/agent-startup.json');
  const exchanges: Exchange[] = JSON.parse(readFileSync(vectors, 'utf8'));
  assert.ok(exchanges.length > 10);
  for (const { request, response } of exchanges) {
    const hasBody =
      request.body !== null && request.body !== '' && request.method !== 'GET' && request.method !== 'HEAD';
    const received = await ask(
      agent,
      request.method,
      request.path,
      hasBody ? request.body : undefined,
      request.headers,
    );
    assert.equal(received.status, response.status, `${request.method} ${request.path}`);
    if (request.path.endsWith('/') || request.method === 'PUT') {
      const expected = response.body as { agentUuid?: string; pid?: number; version?: string };
      const got = received.json as typeof expected;
      assert.equal(got.version, expected.version);
      assert.equal(got.pid, expected.pid);
      assert.equal(got.agentUuid, expected.agentUuid);
    }
    if (Array.isArray(response.body)) assert.deepEqual(received.json, response.body);
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

test('announces with its default settings, and sends no requests to the process', async () => {
  assert.deepEqual((await announce(agent, 5)).json, {
    agentUuid: '02:42:ac:ff:fe:11:00:02',
    pid: 5,
    secrets: { matcher: 'contains-ignore-case', list: ['key', 'pass', 'secret'] },
  });
  const metrics = await ask(agent, 'POST', '/com.instana.plugin.nodejs.5', { pid: 5 });
  assert.deepEqual([metrics.status, metrics.json], [200, []]);
  assert.equal((await ask(agent, 'POST', '/com.instana.plugin.nodejs/response.5?messageId=a', {})).status, 204);
});

test('takes metrics of announced processes only, but spans of every process', async () => {
  assert.equal((await ask(agent, 'POST', '/com.instana.plugin.nodejs.9', {})).status, 404);
  assert.equal((await sendSpans(agent, 9, [wireSpan()])).status, 200);
});
