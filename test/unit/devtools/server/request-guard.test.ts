// Requests that a malicious page could make a browser send: under other names of this machine, or from another site.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { TestAgent } from '../../../support/agent/test-agent.js';
import { ask, sendRaw, wireSpan } from '../support.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start();
});
afterEach(() => agent.close());

const traces = '/com.instana.plugin.nodejs/traces.1';

const strangeHosts = [
  'evil',
  'localhost.evil',
  '127.0.0.1.evil',
  '2130706433',
  '',
  '0x7f.1',
  '127.1',
  'localhost:80:90',
  '0.0.0.0',
  '[::]',
];
for (const host of strangeHosts) {
  test(`does not serve the Host "${host}"`, async () => {
    const response = await sendRaw(agent.port, `GET /api/stats HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    assert.match(response, /^HTTP\/1\.1 403 /);
  });
}

test('does not serve a request with two Hosts', async () => {
  const head = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${agent.port}\r\nHost: evil\r\nConnection: close\r\n\r\n`;
  assert.match(await sendRaw(agent.port, head), /^HTTP\/1\.1 40[03] /);
});

test('serves the names that mean this machine', async () => {
  for (const host of ['localhost', 'LOCALHOST:1234', `127.0.0.1:${agent.port}`, `[::1]:${agent.port}`]) {
    assert.equal((await ask(agent, 'GET', '/api/stats', undefined, { Host: host })).status, 200, host);
  }
});

const foreign: Record<string, Record<string, string>> = {
  'a foreign origin': { Origin: 'http://evil.example' },
  'the origin null': { Origin: 'null' },
  'another port of this machine': { Origin: 'http://127.0.0.1:1' },
  'fetch metadata of another site': { 'Sec-Fetch-Site': 'cross-site' },
  'a form': { 'Content-Type': 'application/x-www-form-urlencoded' },
  'plain text': { 'Content-Type': 'text/plain' },
};
for (const [what, headers] of Object.entries(foreign)) {
  test(`stores nothing that comes with ${what}`, async () => {
    const { status, headers: received } = await ask(agent, 'POST', traces, [wireSpan()], headers);
    assert.ok(status === 403 || status === 415, String(status));
    assert.deepEqual(
      Object.keys(received).filter((name) => name.startsWith('access-control')),
      [],
    );
    assert.equal(agent.receivedSpanCount(), 0);
  });
}

test('lets no other site read, preflight or stream', async () => {
  const headers = { Origin: 'http://evil.example' };
  for (const [method, path] of [
    ['GET', '/api/traces'],
    ['OPTIONS', '/api/traces'],
    ['GET', '/api/stream'],
  ] as const) {
    const response = await ask(agent, method, path, undefined, headers);
    assert.equal(response.status, 403);
    assert.deepEqual(
      Object.keys(response.headers).filter((name) => name.startsWith('access-control')),
      [],
    );
  }
});

test('serves its own pages, and a link to them', async () => {
  const host = `127.0.0.1:${agent.port}`;
  const own = { Host: host, Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin' };
  assert.equal((await ask(agent, 'DELETE', '/api/traces', undefined, own)).status, 204);
  const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
  assert.equal((await ask(agent, 'GET', '/', undefined, { ...link, Accept: 'text/html' })).status, 200);
});
