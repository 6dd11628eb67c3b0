// Abuse of the local agent: by pages of other sites, by names that lead here, by size, depth and slowness.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { LocalAgent } from '../../../../src/devtools/server/local-agent.js';
import { ask, sendRaw, wireSpan } from '../support.js';

let agent: LocalAgent;
beforeEach(async () => {
  agent = await LocalAgent.start();
});
afterEach(() => agent.close());

const traces = '/com.instana.plugin.nodejs/traces.1';

test('listens on loopback only', { skip: process.platform !== 'linux' }, () => {
  const port = `:${agent.port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listening = ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(port) && state === '0A')
    .map(([, local]) => local?.split(':')[0]);
  assert.ok(listening.includes('0100007F'));
  for (const address of listening) {
    assert.ok(address === '0100007F' || address === '00000000000000000000000001000000', address);
  }
});

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
    const answer = await sendRaw(agent.port, `GET /api/stats HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 403 /);
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
    const { status, headers: answered } = await ask(agent, 'POST', traces, [wireSpan()], headers);
    assert.ok(status === 403 || status === 415, String(status));
    assert.deepEqual(
      Object.keys(answered).filter((name) => name.startsWith('access-control')),
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
    const answer = await ask(agent, method, path, undefined, headers);
    assert.equal(answer.status, 403);
    assert.deepEqual(
      Object.keys(answer.headers).filter((name) => name.startsWith('access-control')),
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

test('puts the guarding headers on every answer, also on errors', async () => {
  for (const path of ['/', '/api/traces', '/api/stats', '/nothing', '/api/traces/unknown']) {
    const { headers } = await ask(agent, 'GET', path);
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/, path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['cache-control'], 'no-store', path);
  }
});

test('gives no file of the machine, whatever the path', async () => {
  const paths = [
    '/../../etc/passwd',
    '/..%2f..%2fetc/passwd',
    '/api/../../../etc/passwd',
    '/.git/config',
    '/%2e%2e/etc/passwd',
    '//etc/passwd',
  ];
  for (const path of paths) {
    const answer = await sendRaw(agent.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 404 /, path);
    assert.doesNotMatch(answer, /^location:/im);
  }
  assert.match(
    await sendRaw(agent.port, 'GET file:///etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    / 400 /,
  );
});

test('refuses a body that is too large before reading it, and ends the connection', { timeout: 20_000 }, async () => {
  const answer = await sendRaw(
    agent.port,
    `POST ${traces} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n[`,
  );
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /connection: close/i);
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

test('serves others while many requests are half open, and cuts those off', { timeout: 40_000 }, async () => {
  const sockets = Array.from({ length: 200 }, () => connect(agent.port, '127.0.0.1'));
  const ended = sockets.map(
    (socket) =>
      new Promise<void>((resolve) => {
        socket.on('error', () => {}); // Cut off is what is wanted.
        socket.once('connect', () => socket.write('GET / HTTP/1.1\r\nHost: loc'));
        socket.once('close', () => resolve()).resume();
      }),
  );
  assert.equal((await ask(agent, 'GET', '/')).status, 200);
  await Promise.all(ended);
});
