// A process that has nothing else to do ends at once, whatever the agent does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { FakeAgent, hang } from '../agent/fake-agent.js';

const mostMs = 500;

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
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  t.after(() => {
    for (const filler of fillers) filler.destroy();
  });
  await new Promise((done) => setTimeout(done, 200));
  return port;
}

async function endsAtOnce(env: Record<string, string | number>): Promise<void> {
  for (const more of [{ WAIT_MS: 0 }, { WAIT_MS: 400 }, { WAIT_MS: 400, USE_STDIO: 1 }]) {
    const { lateMs, state, errors } = await run({ ...env, ...more });
    assert.ok(lateMs < mostMs, `${Math.round(lateMs)} ms late, ${state}, ${JSON.stringify(more)}`);
    assert.deepEqual(errors, {});
  }
}

test('without an agent', async () => {
  await endsAtOnce({ PORT: 1 });
});

test('with a healthy agent', async (t) => {
  const server = await serve(t);
  await endsAtOnce({ PORT: server.port });
  assert.ok(server.of('metrics').length > 0);
});

test('with an agent that accepts and never answers', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  await endsAtOnce({ PORT: (server.address() as { port: number }).port });
});

test('with an agent whose connections are never accepted', async (t) => {
  const port = await blackhole(t);
  await endsAtOnce({ PORT: port });
  const { lateMs } = await run({ PORT: port, WAIT_MS: 400, BODY_BYTES: 10, FLUSH_MS: 250 });
  assert.ok(lateMs < mostMs, `${lateMs} ms late`);
});

for (const kind of ['announce', 'ready', 'metrics', 'traces', 'counters'] as const) {
  test(`with an agent that hangs at: ${kind}`, async (t) => {
    const server = await serve(t);
    server.on(kind, hang);
    await endsAtOnce({ PORT: server.port, BODY_BYTES: 1000 });
  });
}

test('with an agent that does not read what it is sent', async (t) => {
  const server = await serve(t);
  server.unread = 'traces';
  await endsAtOnce({ PORT: server.port, BODY_BYTES: 8_000_000 });
});

test('delivers by a flush before the end, also when it had not met the agent yet', async (t) => {
  const server = await serve(t);
  for (const wait of [0, 400]) {
    const before = server.spans.length;
    await run({ PORT: server.port, BODY_BYTES: 1000, FLUSH_MS: 5000, WAIT_MS: wait });
    assert.equal(server.spans.length, before + 1);
  }
});

test('a flush before the end is short where no agent is', async () => {
  const { lateMs } = await run({ PORT: 1, BODY_BYTES: 1000, FLUSH_MS: 5000, WAIT_MS: 400 });
  assert.ok(lateMs < mostMs, `${lateMs} ms late`);
});
