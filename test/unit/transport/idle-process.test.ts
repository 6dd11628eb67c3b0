// A process that has nothing else to do ends at once, whatever the agent does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { watchForIdleProcess } from '../../../src/transport/idle-process.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { FakeAgent, hang } from '../agent/fake-agent.js';

/** The end may be delayed by 150 ms when the agent first has to be found, and by three times as much in tests. */
const maxLateMs = 500;

interface Outcome {
  readonly lateMs: number;
  readonly state: string;
  readonly errors: Record<string, number>;
}

async function run(env: Record<string, string | number>): Promise<Outcome> {
  const strings = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
  const child = spawn(process.execPath, [join(__dirname, 'idle-app.js')], {
    env: { ...process.env, ...strings, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  return JSON.parse(text) as Outcome;
}

async function serve(t: TestContext): Promise<FakeAgent> {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  return server;
}

/** A port whose queue of connections is full, so that connects neither succeed nor fail. */
async function blackhole(t: TestContext): Promise<number> {
  const script =
    "const s = require('net').createServer().listen({port: 0, host: '127.0.0.1', backlog: 1}, () => console.log(s.address().port))";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [chunk] = await once(child.stdout, 'data');
  const port = Number(chunk);
  child.kill('SIGSTOP');
  await waitUntil(() => /\) T /.test(readFileSync(`/proc/${child.pid}/stat`, 'latin1')), 'the stop of the server');
  let connected = 0;
  const fillers = Array.from({ length: 8 }, () =>
    connect(port, '127.0.0.1')
      .on('connect', () => connected++)
      .on('error', () => {}),
  );
  t.after(() => {
    for (const filler of fillers) filler.destroy();
  });
  // On loopback a connection is made, or waits, within the call of connect: when one is made, the others wait.
  await waitUntil(() => connected > 0, 'a full queue');
  return port;
}

async function endsAtOnce(env: Record<string, string | number>): Promise<void> {
  for (const more of [{ WAIT_MS: 0 }, { WAIT_MS: 400 }, { WAIT_MS: 400, USE_STDIO: 1 }]) {
    const { lateMs, state, errors } = await run({ ...env, ...more });
    assert.ok(lateMs < maxLateMs, `${Math.round(lateMs)} ms late, ${state}, ${JSON.stringify(more)}`);
    assert.deepEqual(errors, {});
  }
}

test('a process ends at once without an agent', async () => {
  await endsAtOnce({ PORT: 1 });
});

test('a process ends at once with a healthy agent', async (t) => {
  const server = await serve(t);
  await endsAtOnce({ PORT: server.port });
  assert.ok(server.of('metrics').length > 0);
});

test('a process ends at once with an agent that accepts and never responds', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  await endsAtOnce({ PORT: (server.address() as { port: number }).port });
});

test('a process ends at once with an agent whose connections are never accepted', async (t) => {
  const port = await blackhole(t);
  await endsAtOnce({ PORT: port });
  const { lateMs } = await run({ PORT: port, WAIT_MS: 400, BODY_BYTES: 10, FLUSH_MS: 250 });
  assert.ok(lateMs < maxLateMs, `${lateMs} ms late`);
});

for (const kind of ['announce', 'ready', 'metrics', 'traces', 'counters'] as const) {
  test(`a process ends at once with an agent that hangs at: ${kind}`, async (t) => {
    const server = await serve(t);
    server.on(kind, hang);
    await endsAtOnce({ PORT: server.port, BODY_BYTES: 1000 });
  });
}

test('a process ends at once with an agent that does not read what it is sent', async (t) => {
  const server = await serve(t);
  server.unread = 'traces';
  await endsAtOnce({ PORT: server.port, BODY_BYTES: 8_000_000 });
});

test('a process delivers by a flush before its end, also when it had not met the agent yet', async (t) => {
  const server = await serve(t);
  for (const wait of [0, 400]) {
    const before = server.spans.length;
    await run({ PORT: server.port, BODY_BYTES: 1000, FLUSH_MS: 5000, WAIT_MS: wait });
    assert.equal(server.spans.length, before + 1);
  }
});

test('a flush before the end is short where no agent is', async () => {
  const { lateMs } = await run({ PORT: 1, BODY_BYTES: 1000, FLUSH_MS: 5000, WAIT_MS: 400 });
  assert.ok(lateMs < maxLateMs, `${lateMs} ms late`);
});

test('the watch does not call a process idle that has something else to do', async (t) => {
  let isIdle = false;
  const watch = watchForIdleProcess(() => {
    isIdle = true;
  });
  t.after(() => watch.stop());
  // The timer of this wait is what there is to do: the watch checks twice, 50 ms apart, before it decides.
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.equal(isIdle, false);
});

test('the watch calls once, when nothing but a connection that is never accepted is left', async (t) => {
  const outcome = await watchedProcess(await blackhole(t), 'connect(port).unref();');
  assert.deepEqual(outcome, { calls: 1 });
});

test('the watch does not call after it was stopped, and does not keep the process alive', async (t) => {
  const port = await blackhole(t);
  assert.deepEqual(
    await watchedProcess(
      port,
      'const socket = connect(port).unref(); watch.stop(); setTimeout(() => socket.destroy(), 300);',
    ),
    { calls: 0 },
  );
  assert.deepEqual(await watchedProcess(port, ''), { calls: 0 });
});

/** A process with a watch, and what else `script` does in it; it prints how often it was called idle. */
async function watchedProcess(port: number, script: string): Promise<unknown> {
  const file = join(__dirname, '../../../src/transport/idle-process.js');
  const program = `
    const connect = (port) => (socket = require('node:net').connect(port, '127.0.0.1').on('error', () => {}));
    const port = ${port};
    let socket, calls = 0;
    const watch = require(${JSON.stringify(file)}).watchForIdleProcess(() => { calls++; socket.destroy(); });
    { ${script} }
    process.on('exit', () => require('node:fs').writeSync(1, JSON.stringify({ calls })));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = setTimeout(() => child.kill('SIGKILL'), 15_000);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  clearTimeout(end);
  return JSON.parse(text);
}
