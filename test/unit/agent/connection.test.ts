// One life of the connection to an agent, from the look-up to its end.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Connection, type ConnectionDependencies } from '../../../src/agent/connection.js';
import { readConfig } from '../../../src/config/read-config.js';
import { systemClock } from '../../../src/core/clock.js';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { FakeAgent, hang, reply } from './fake-agent.js';
import { FakeMetrics, FakeSpans } from './support.js';

interface Fixture {
  readonly connection: Connection;
  readonly spans: FakeSpans;
  readonly metrics: FakeMetrics;
  readonly errors: InternalErrors;
  readonly states: string[];
  readonly failures: string[];
}

/** A connection to a port of this machine, which has begun. */
function begin(t: TestContext, port: number, overrides: Partial<ConnectionDependencies> = {}): Fixture {
  const log = new Log('off');
  const errors = new InternalErrors(log);
  const [spans, metrics] = [new FakeSpans(), new FakeMetrics()];
  const states: string[] = [];
  const failures: string[] = [];
  const env = {
    INSTANA_AGENT_HOST: '127.0.0.1',
    INSTANA_AGENT_PORT: String(port),
    INSTANA_METRICS_TRANSMISSION_DELAY: '100',
  };
  const dependencies: ConnectionDependencies = {
    log,
    errors,
    config: () => readConfig(env, {}, undefined, () => {}),
    spans,
    metrics,
    onAnnounced: () => {},
    isMainThread: true,
    deadlineMs: 500,
    ...overrides,
  };
  const connection = new Connection(dependencies, {
    onState: (state, address) => void states.push(`${state} ${address?.port === port ? 'there' : 'nowhere'}`),
    onFailure: (reason) => void failures.push(reason),
  });
  t.after(() => connection.end());
  connection.begin();
  return { connection, spans, metrics, errors, states, failures };
}

async function serve(t: TestContext): Promise<FakeAgent> {
  const server = await new FakeAgent().listen();
  t.after(() => server.close());
  return server;
}

test('passes every state on its way to ready, and sends metrics and spans then', async (t) => {
  const server = await serve(t);
  const { connection, spans, metrics, states, failures } = begin(t, server.port);
  await waitUntil(() => states.at(-1) === 'ready there', 'readiness');
  assert.deepEqual(states, ['looking-up nowhere', 'unannounced there', 'announced there', 'ready there']);
  assert.equal(metrics.isRunning, true);
  spans.add(3);
  await new Promise<void>((resolve) => connection.flush(10_000, resolve));
  assert.deepEqual(server.spans, [1, 2, 3]);
  await waitUntil(() => server.of('metrics').length > 0, 'metrics');
  assert.deepEqual(failures, []);
  assert.ok(server.mostSockets <= 2);
});

test('is unannounced when the agent has forgotten the process, stops the metrics, and comes back', async (t) => {
  const server = await serve(t);
  const { states, failures } = begin(t, server.port);
  await waitUntil(() => states.at(-1) === 'ready there', 'readiness');
  server.forget();
  await waitUntil(
    () => states.filter((state) => state === 'ready there').length === 2,
    'readiness for the second time',
  );
  assert.deepEqual(states.slice(4), ['unannounced there', 'unannounced there', 'announced there', 'ready there']);
  assert.equal(failures.length, 1, failures.join());
  assert.equal(server.of('announce').length, 2);
});

test('gives back what is in flight at its end, stops the metrics, and closes its sockets', async (t) => {
  const server = await serve(t);
  server.on('traces', hang);
  const { connection, spans, metrics, states } = begin(t, server.port);
  spans.add(2);
  await waitUntil(() => server.of('traces').length === 1, 'spans in flight');
  connection.end();
  assert.deepEqual(spans.queue, [1, 2]);
  assert.equal(metrics.isRunning, false);
  await waitUntil(() => server.sockets.size === 0, 'the end of every socket');
  assert.equal(states.at(-1), 'ready there');
});

test('ends a flush at once where no agent is, and calls back once', async (t) => {
  const { connection, spans, failures } = begin(t, 1);
  spans.add(1);
  let calls = 0;
  await new Promise<void>((resolve) => {
    connection.flush(600_000, () => {
      calls++;
      resolve();
    });
  });
  await waitUntil(() => failures.length > 0, 'a failed attempt');
  connection.end();
  assert.equal(calls, 1);
  assert.deepEqual(spans.queue, [1]);
});

test('ends a flush when its time is over', async (t) => {
  const server = await serve(t);
  server.on('lookup', hang);
  const { connection, spans } = begin(t, server.port, { deadlineMs: 600_000 });
  spans.add(1);
  await new Promise<void>((resolve) => connection.flush(50, resolve));
  assert.deepEqual(spans.queue, [1]);
});

test('reports why an attempt came to nothing', async (t) => {
  const server = await serve(t);
  server.on('lookup', reply(200, '<html>'));
  const { failures, states } = begin(t, server.port);
  await waitUntil(() => failures.length > 0, 'a failure');
  assert.match(failures[0] ?? '', /something else .* status 200/);
  assert.deepEqual(states, ['looking-up nowhere']);
});

test('counts an error of its own, and tries again later', async (t) => {
  const delays: number[] = [];
  let isBroken = true;
  const server = await serve(t);
  const working = readConfig(
    { INSTANA_AGENT_HOST: '127.0.0.1', INSTANA_AGENT_PORT: String(server.port) },
    {},
    undefined,
    () => {},
  );
  const { errors, states } = begin(t, server.port, {
    config: () => {
      if (!isBroken) return working;
      isBroken = false;
      throw new Error('of the configuration');
    },
    timers: {
      ...systemClock,
      setTimeout: (callback, delayMs) => {
        delays.push(delayMs);
        return systemClock.setTimeout(callback, delayMs === 10_000 ? 0 : delayMs);
      },
    },
  });
  await waitUntil(() => states.at(-1) === 'ready there', 'readiness');
  assert.deepEqual(errors.counts(), { 'agent connection': 1 });
  assert.ok(delays.includes(10_000));
});
