// Look-up, announce and readiness with agents that refuse, lie or are none.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { candidates, parseGateway } from '../../../src/agent/host-lookup.js';
import { readConfig } from '../../../src/config/read-config.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { FakeAgent, type Handler, reply } from './fake-agent.js';
import { FakeTimers, isReady, makeAgent } from './support.js';

const routes = [
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
  'eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  'eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
].join('\n');

/** Moves the clock on whenever nothing but a wait is under way, until `count` waits of the connection have ended. */
async function runWaits(timers: FakeTimers, count: number): Promise<number[]> {
  const passed: number[] = [];
  while (passed.length < count) {
    const before = timers.waits.length;
    await waitUntil(() => timers.hasWait, 'the next wait begins');
    const delay = timers.next();
    if (delay > 0) passed.push(delay);
    const end = performance.now() + 100;
    while (timers.waits.length === before && performance.now() < end) await new Promise((done) => setTimeout(done, 2));
  }
  return passed;
}

test('announces again after a growing wait, and looks up again after three failures', async (t) => {
  const server = await new FakeAgent().listen();
  server.on('announce', reply(500));
  const timers = new FakeTimers();
  const { agent } = makeAgent(server.port, { timers, random: () => 0 });
  t.after(() => agent.stop());
  t.after(() => server.close());
  agent.start();
  const waits = await runWaits(timers, 8);
  assert.deepEqual(waits.slice(0, 3), [1000, 2000, 4000]);
  const kinds = server.received.map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 6), ['lookup', 'announce', 'announce', 'announce', 'lookup', 'announce']);
  assert.ok(waits.every((delay) => delay <= 10_000));
});

test('checks readiness each second and announces again after 60 checks', async (t) => {
  const server = await new FakeAgent().listen();
  server.on('ready', reply(404));
  const timers = new FakeTimers();
  const { agent } = makeAgent(server.port, { timers });
  t.after(() => agent.stop());
  t.after(() => server.close());
  agent.start();
  while (server.of('announce').length < 2) {
    const { length } = server.received;
    await waitUntil(() => timers.hasWait || server.received.length > length, 'there is a wait');
    if (timers.hasWait) timers.next();
    await new Promise((done) => setTimeout(done, 1));
  }
  const announces = server.received.flatMap(({ kind }, index) => (kind === 'announce' ? [index] : []));
  const checks = server.received.slice(announces[0], announces[1]).filter(({ kind }) => kind === 'ready');
  assert.equal(checks.length, 60);
  assert.ok(Math.abs(timers.now() - 60_000) <= 1000);
});

const badAnswers = [
  'null',
  '[]',
  '7',
  '""',
  '{}',
  '{"pid":"7","agentUuid":"x"}',
  '{"pid":0,"agentUuid":"x"}',
  '{"pid":7}',
  '<',
];
test('refuses an announce answer without a usable pid and id, and tries again', async (t) => {
  const server = await new FakeAgent().listen();
  let next = 0;
  server.on('announce', (response, received) => {
    const bad = badAnswers[next++];
    if (bad === undefined) server.usual(response, received);
    else response.end(bad);
  });
  const quick = {
    setTimeout: (done: () => void, ms: number) => setTimeout(done, ms / 100),
    now: () => performance.now(),
  };
  const timers = { ...quick, clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout) };
  const { agent, answers, errors } = makeAgent(server.port, { timers });
  t.after(() => agent.stop());
  t.after(() => server.close());
  agent.start();
  await waitUntil(() => isReady(agent), 'the good one is taken');
  assert.equal(server.of('announce').length, badAnswers.length + 1);
  assert.equal(answers.length, 1);
  assert.deepEqual(errors.counts(), {});
});

const strangers: Record<string, Handler> = {
  'another web server': reply(200, '<html>', { Server: 'nginx' }),
  'JSON without a version': reply(200, { status: 'ok' }),
  'a version with status 404': reply(404, { version: '1' }),
  'a redirect': reply(302, { version: '1' }, { Location: '/' }),
};
for (const [name, handler] of Object.entries(strangers)) {
  test(`sends nothing but the look-up to what is no agent: ${name}`, async (t) => {
    const server = await new FakeAgent().listen();
    server.on('lookup', handler);
    const { agent } = makeAgent(server.port);
    t.after(() => agent.stop());
    t.after(() => server.close());
    agent.start();
    await waitUntil(() => server.of('lookup').length === 2, 'it has looked twice');
    assert.deepEqual([...new Set(server.received.map(({ kind }) => kind))], ['lookup']);
    assert.equal(agent.status().state, 'looking-up');
  });
}

test('takes an old agent by its Server header and a new one by its version', async (t) => {
  for (const handler of [reply(200, 'hello', { Server: 'Instana Agent' }), reply(200, { version: '1.1.1' })]) {
    const server = await new FakeAgent().listen();
    t.after(() => server.close());
    server.on('lookup', handler);
    const { agent } = makeAgent(server.port);
    agent.start();
    await waitUntil(() => isReady(agent), 'it is ready');
    agent.stop();
  }
});

for (const banner of [
  'SSH-2.0-OpenSSH_9.6\r\n',
  '\u0016\u0003\u0001\u0002\0\u0001',
  'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  '\0\0\0\0',
]) {
  test(`survives a port that speaks something else: ${JSON.stringify(banner)}`, async (t) => {
    let connects = 0;
    const server = createServer((socket) => {
      connects += 1;
      socket.on('error', () => {});
      socket.write(banner);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    t.after(() => server.close());
    const { agent, errors } = makeAgent((server.address() as { port: number }).port);
    t.after(() => agent.stop());
    agent.start();
    await waitUntil(() => connects >= 2, 'it has tried twice');
    assert.equal(agent.status().state, 'looking-up');
    assert.deepEqual(errors.counts(), {});
  });
}

test('tries the gateway after this machine, and only when no host is configured', () => {
  const folder = mkdtempSync(join(tmpdir(), 'routes-'));
  const routeFile = join(folder, 'route');
  writeFileSync(routeFile, routes);
  const config = { agentHost: '127.0.0.1', agentPort: 42699, agentHostConfigured: false };
  assert.deepEqual(candidates(config, routeFile), [
    { host: '127.0.0.1', port: 42699 },
    { host: '192.168.2.1', port: 42699 },
  ]);
  assert.equal(candidates({ ...config, agentHostConfigured: true }, routeFile).length, 1);
  assert.equal(candidates(config, join(folder, 'absent')).length, 1);
  rmSync(folder, { recursive: true });
});

test('finds an agent on the gateway of the given routing table', { skip: process.platform !== 'linux' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'routes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const routeTablePath = join(folder, 'route');
  writeFileSync(routeTablePath, 'lo\t00000000\t0100007F\t0003\n');
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  const config = { ...readConfig({}, {}, undefined, () => {}), agentHost: '127.0.0.2', agentPort: server.port };
  const { agent } = makeAgent(server.port, { routeTablePath, config: () => config });
  t.after(() => agent.stop());
  agent.start();
  await waitUntil(() => isReady(agent), 'it is ready');
  assert.equal(agent.status().host, '127.0.0.1');
});

test('reads the gateway of the default route', () => {
  assert.equal(parseGateway(routes), '192.168.2.1');
  assert.equal(parseGateway(''), null);
  assert.equal(parseGateway('eth0\t00000000\tnonsense\n'), null);
  assert.equal(parseGateway('eth0\t00000000\t00000000\n'), null);
});

test('announces the pid of the parent namespace when the kernel tells it', async (t) => {
  const procRoot = mkdtempSync(join(tmpdir(), 'proc-'));
  const own = join(procRoot, String(process.pid));
  mkdirSync(own);
  writeFileSync(join(own, 'sched'), 'node (98765, #threads: 11)\n---\n');
  writeFileSync(join(own, 'cmdline'), '/usr/bin/node\0app.js\0--db-password=hunter2\0');
  writeFileSync(join(own, 'cpuset'), `/${'x'.repeat(2000)}`);
  const server = await new FakeAgent().listen();
  const { agent } = makeAgent(server.port, { procRoot });
  t.after(() => agent.stop());
  t.after(() => server.close());
  t.after(() => rmSync(procRoot, { recursive: true }));
  agent.start();
  await waitUntil(() => server.of('announce').length === 1, 'it has announced');
  const { fd, ...rest } = JSON.parse(server.of('announce')[0]?.text ?? '') as Record<string, unknown>;
  assert.equal(typeof fd, 'string');
  assert.deepEqual(rest, {
    pid: 98765,
    pidFromParentNS: true,
    name: '/usr/bin/node',
    args: ['app.js', '--db-password=<redacted>'],
  });
});

test('announces with what is left where there is no procfs', async (t) => {
  const server = await new FakeAgent().listen();
  const { agent } = makeAgent(server.port, { procRoot: '/nonexistent' });
  t.after(() => agent.stop());
  t.after(() => server.close());
  agent.start();
  await waitUntil(() => isReady(agent), 'it is ready');
  const body = JSON.parse(server.of('announce')[0]?.text ?? '') as Record<string, unknown>;
  assert.deepEqual(Object.keys(body), ['pid', 'pidFromParentNS', 'fd']);
  assert.equal(body['pid'], process.pid);
});

test('announces again when the agent goes away before it is ready and comes back', async (t) => {
  const first = await new FakeAgent().listen();
  first.on('ready', reply(404));
  const { agent } = makeAgent(first.port);
  t.after(() => agent.stop());
  agent.start();
  await waitUntil(() => first.of('ready').length > 0, 'readiness was checked');
  await first.close();
  const { since } = agent.status();
  await waitUntil(() => agent.status().since !== since, 'it has noticed');
  const second = await new FakeAgent().listen(first.port);
  t.after(() => second.close());
  await waitUntil(() => isReady(agent), 'it is ready');
  assert.equal(second.of('announce').length, 1);
});
