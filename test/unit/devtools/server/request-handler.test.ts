// The way of a request through an interceptor, and requests that are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalAgent } from '../../../../src/devtools/server/local-agent.js';
import type { Exchange, Interceptor } from '../../../../src/devtools/server/request-handler.js';
import { announce, ask, sendSpans, wireSpan } from '../support.js';

async function withInterceptor(intercept: Interceptor, use: (agent: LocalAgent) => Promise<void>): Promise<void> {
  const agent = await LocalAgent.start({ intercept });
  try {
    await use(agent);
  } finally {
    await agent.close();
  }
}

test('passes every request with its endpoint and body to the interceptor', async () => {
  const seen: Pick<Exchange, 'endpoint' | 'body'>[] = [];
  const intercept: Interceptor = ({ endpoint, body }, proceed) => {
    seen.push({ endpoint, body });
    return proceed();
  };
  await withInterceptor(intercept, async (agent) => {
    assert.equal((await announce(agent, 5)).status, 200);
    assert.equal((await ask(agent, 'GET', '/api/stats')).status, 200);
    assert.equal((await ask(agent, 'GET', '/', undefined, { Host: 'evil' })).status, 403);
    assert.equal((await ask(agent, 'GET', '/', undefined, { Accept: 'text/html' })).status, 200);
    assert.equal((await ask(agent, 'GET', '/nothing')).status, 404);
  });
  const empty = { accepted: true, bytes: 0, value: undefined };
  assert.deepEqual(
    seen.map(({ endpoint }) => endpoint),
    ['announce', null, null, null, null],
  );
  assert.equal(seen[0]?.body.accepted && (seen[0].body.value as { pid: number }).pid, 5);
  for (const { body } of seen.slice(1)) assert.deepEqual(body, empty);
});

test('handles the request with another body, and sends another response, if the interceptor wants that', async () => {
  const intercept: Interceptor = ({ endpoint, body }, proceed) => {
    if (endpoint !== 'announce' || !body.accepted) return proceed();
    const usual = proceed({ ...body, value: { pid: 99 } });
    return usual && { ...usual, status: 201 };
  };
  await withInterceptor(intercept, async (agent) => {
    const { status, json } = await announce(agent, 5);
    assert.deepEqual([status, (json as { pid: number }).pid], [201, 99]);
    assert.deepEqual(
      agent.stores.processes.views().map(({ pid }) => pid),
      [99],
    );
  });
});

test('leaves the response to an interceptor that returns null, and has no effect without proceed', async () => {
  const intercept: Interceptor = ({ endpoint, response }, proceed) => {
    if (endpoint !== 'traces') return proceed();
    response.writeHead(418).end('teapot');
    return null;
  };
  await withInterceptor(intercept, async (agent) => {
    const { status, text } = await sendSpans(agent, 1, [wireSpan()]);
    assert.deepEqual([status, text], [418, 'teapot']);
    assert.equal(agent.stores.traces.counts.received, 0);
  });
});
