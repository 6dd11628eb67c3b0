// The JSON requests, over real sockets.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { TestAgent } from '../../../support/agent/test-agent.js';
import { announce, ask, idOf, sendSpans, twoServiceTrace, wireSpan } from '../support.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start();
});
afterEach(() => agent.close());

async function list(query: string): Promise<unknown[]> {
  const { status, json } = await ask(agent, 'GET', `/api/traces${query}`);
  assert.equal(status, 200);
  return json as unknown[]; // The response to this request is always a list.
}

test('lists a trace with its name, service, times, counts and processes', async () => {
  const [first, second] = twoServiceTrace(idOf(7));
  await sendSpans(agent, 202, second);
  await sendSpans(agent, 101, first);
  assert.deepEqual(await list(''), [
    {
      traceId: idOf(7),
      name: 'GET /orders/:id',
      service: 'storefront',
      startMs: 1_700_000_000_000,
      durationMs: 34,
      spanCount: 3,
      errorCount: 0,
      processes: [202, 101],
    },
  ]);
});

test('names the service by its configuration, else by the snapshot, else by the pid', async () => {
  await sendSpans(agent, 31, [wireSpan({ t: idOf(1), pid: 31 })]);
  const serviceOf = async () => ((await list(''))[0] as { service: string }).service;
  assert.equal(await serviceOf(), 'pid 31');
  await announce(agent, 31);
  await ask(agent, 'POST', '/com.instana.plugin.nodejs.31', { pid: 31, name: 'shop' });
  assert.equal(await serviceOf(), 'shop');
  await sendSpans(agent, 31, [wireSpan({ t: idOf(1), s: idOf(2), p: idOf(9), pid: 31, service: 'configured' })]);
  assert.equal(await serviceOf(), 'configured');
});

test('names a trace by the operation when it is no HTTP request', async () => {
  await sendSpans(agent, 1, [wireSpan({ n: 'sdk', data: { sdk: { name: 'nightly-job', type: 'entry' } } })]);
  assert.equal(((await list(''))[0] as { name: string }).name, 'nightly-job');
});

test('filters by service, duration, error and text, newest first, up to a limit', async () => {
  const spans = [
    wireSpan({
      t: idOf(1),
      s: idOf(1),
      ts: 1000,
      d: 5,
      service: 'a',
      http: { method: 'GET', path_tpl: '/x/:id', url: '/x/77' },
    }),
    wireSpan({ t: idOf(2), s: idOf(2), ts: 3000, d: 50, service: 'b', ec: 1, http: { method: 'POST', url: '/y' } }),
    wireSpan({ t: idOf(3), s: idOf(3), ts: 2000, d: 500, service: 'b', http: { method: 'GET', url: '/z' } }),
  ];
  await sendSpans(agent, 1, spans);
  const ids = async (query: string) =>
    ((await list(query)) as { traceId: string }[]).map(({ traceId }) => Number(traceId));
  assert.deepEqual(await ids(''), [2, 3, 1]);
  assert.deepEqual(await ids('?limit=1'), [2]);
  assert.deepEqual(await ids('?service=b'), [2, 3]);
  assert.deepEqual(await ids('?minDurationMs=50'), [2, 3]);
  assert.deepEqual(await ids('?error=true'), [2]);
  assert.deepEqual(await ids('?q=POST'), [2]);
  assert.deepEqual(await ids('?q=/X/77'), [1]);
  assert.deepEqual(await ids('?q=000003'), [3]);
  assert.deepEqual(await ids('?service=b&minDurationMs=100&q=z'), [3]);
  assert.equal((await ask(agent, 'GET', '/api/traces?limit=many')).status, 400);
});

test('gives a hundred traces by default', async () => {
  await sendSpans(
    agent,
    1,
    Array.from({ length: 150 }, (_, index) => wireSpan({ t: idOf(index + 1) })),
  );
  assert.equal((await list('')).length, 100);
  assert.equal((await list('?limit=150')).length, 150);
});

test('gives the spans of a trace as received, by 16 or 32 digits', async () => {
  const span = wireSpan({
    t: 'aaaaaaaaaaaaaaa1',
    lt: 'ffffffffffffffffbbbbbbbbbbbbbbb2',
    data: { odd: { 'k<ey': [null, 1.5] } },
  });
  await sendSpans(agent, 1, [span]);
  const expected = { traceId: 'aaaaaaaaaaaaaaa1', spans: [span] };
  for (const id of [
    'aaaaaaaaaaaaaaa1',
    'AAAAAAAAAAAAAAA1',
    '0000000000000000aaaaaaaaaaaaaaa1',
    'ffffffffffffffffbbbbbbbbbbbbbbb2',
  ]) {
    assert.deepEqual((await ask(agent, 'GET', `/api/traces/${id}`)).json, expected, id);
  }
  for (const id of ['aaaaaaaaaaaaaaa2', 'nonsense', '%00', '..%2f..%2fetc%2fpasswd']) {
    const { status, json } = await ask(agent, 'GET', `/api/traces/${id}`);
    assert.deepEqual([status, json], [404, { error: 'no such trace' }], id);
  }
});

test('forgets all traces and goes on counting', async () => {
  await sendSpans(agent, 1, [wireSpan()]);
  assert.equal((await ask(agent, 'DELETE', '/api/traces')).status, 204);
  assert.deepEqual(await list(''), []);
  const { json } = await ask(agent, 'GET', '/api/stats');
  assert.deepEqual(json, {
    spans: { received: 1, stored: 0, evicted: 0 },
    bytes: 0,
    requests: {
      'POST /com.instana.plugin.nodejs/traces.1': 1,
      'DELETE /api/traces': 1,
      'GET /api/traces': 1,
      'GET /api/stats': 1,
    },
  });
});

test('lists processes with snapshot and metrics, merged from deltas', async () => {
  await announce(agent, 50);
  const metrics = '/com.instana.plugin.nodejs.50';
  await ask(agent, 'POST', metrics, { pid: 50, name: 'shop', memory: { rss: 10, heapUsed: 5 }, gc: { minorGcs: 1 } });
  await ask(agent, 'POST', metrics, { memory: { heapUsed: 6 } });
  const { json } = await ask(agent, 'GET', '/api/processes');
  const [process] = json as Record<string, unknown>[];
  assert.deepEqual(process?.['metrics'], { memory: { rss: 10, heapUsed: 6 }, gc: { minorGcs: 1 } });
  assert.deepEqual(process?.['snapshot'], { pid: 50, name: 'shop' });
  assert.deepEqual([process?.['pid'], process?.['name'], process?.['service']], [50, 'shop', 'shop']);
  assert.equal(typeof process?.['announcedMs'], 'number');
  assert.equal(typeof process?.['lastSeenMs'], 'number');
  const points = (await ask(agent, 'GET', '/api/processes/50/metrics')).json as Record<string, unknown>[];
  assert.deepEqual(points.at(-1)?.['memory'], { rss: 10, heapUsed: 6 });
  assert.deepEqual((await ask(agent, 'GET', `/api/processes/50/metrics?sinceMs=${Date.now() + 60_000}`)).json, []);
  assert.equal((await ask(agent, 'GET', '/api/processes/51/metrics')).status, 404);
  assert.equal((await ask(agent, 'GET', '/api/processes/50/metrics?sinceMs=now')).status, 400);
});

test('does not let metrics reach the prototype of objects', async () => {
  await ask(agent, 'PUT', '/com.instana.plugin.nodejs.discovery', { pid: 1 });
  await ask(
    agent,
    'POST',
    '/com.instana.plugin.nodejs.1',
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
  );
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  assert.equal((await ask(agent, 'GET', '/api/processes')).status, 200);
});
