// When metrics are sent, and what becomes of those that cannot be.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OtlpSettings, readOtlpSettings } from '../../../src/config/otlp-endpoints.js';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import type { MetricReadings } from '../../../src/metrics/reading.js';
import { MetricsExporter, type ReadingSource } from '../../../src/otlp/metrics-exporter.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { acceptAll, answerWith, OtlpReceiver } from '../../support/otlp.js';
import { FakeTimers } from '../agent/support.js';

const attributes = [{ key: 'service.instance.id', value: { stringValue: 'host:7' } }];
const threads = 'process.runtime.nodejs.thread_count';

/** Counts its readings as threads. */
class FakeSource implements ReadingSource {
  isStarted = false;
  reads = 0;
  onRead: () => void = () => {};

  start(): void {
    this.isStarted = true;
  }

  stop(): void {
    this.isStarted = false;
  }

  read(): MetricReadings | null {
    this.reads++;
    this.onRead();
    const readings = [{ name: threads, points: [{ value: this.reads }] }];
    return this.isStarted ? { timeMs: 3, startMs: 2, processStartMs: 1, readings } : null;
  }
}

interface Fixture {
  readonly metrics: MetricsExporter;
  readonly source: FakeSource;
  readonly timers: FakeTimers;
  readonly lines: string[];
  readonly errors: InternalErrors;
  /** Runs the next timer, and waits until the export is over; returns the milliseconds that passed by the fake clock. */
  tick(): Promise<number>;
}

function make(t: TestContext): Fixture {
  const lines: string[] = [];
  const write = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  const log = new Log('debug', {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  });
  const errors = new InternalErrors(log);
  const source = new FakeSource();
  const timers = new FakeTimers();
  const metrics = new MetricsExporter({ log, errors, source, sensorVersion: '1.2.3', timers });
  t.after(() => metrics.use(null, null));
  const tick = async (): Promise<number> => {
    const passedMs = timers.next();
    await waitUntil(() => timers.pending > 0, 'the next export is planned');
    return passedMs;
  };
  return { metrics, source, timers, lines, errors, tick };
}

async function receive(t: TestContext): Promise<OtlpReceiver> {
  const receiver = await new OtlpReceiver().listen();
  t.after(() => receiver.close());
  return receiver;
}

/** As a variable names the endpoint. */
function configured(port: number, more: Partial<OtlpSettings> = {}): OtlpSettings {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
  return { ...readOtlpSettings(env, 'metrics', null, () => {}), ...more };
}

/** As an agent offers it. */
function offered(port: number): OtlpSettings {
  return readOtlpSettings({}, 'metrics', { host: '127.0.0.1', port }, () => {});
}

function valuesOf(receiver: OtlpReceiver): number[] {
  return receiver.requests.map(({ text }) => Number(/"asInt":"(\d+)"/.exec(text)?.[1]));
}

test('sends at each interval, over one connection', async (t) => {
  const receiver = await receive(t);
  const { metrics, tick, source, errors } = make(t);
  metrics.use(configured(receiver.port), attributes);
  assert.equal(source.reads, 0, 'nothing before the first interval');
  for (let round = 0; round < 3; round++) assert.equal(await tick(), 10_000);
  assert.deepEqual(valuesOf(receiver), [1, 2, 3]);
  assert.equal(receiver.connections, 1);
  const { method, path, headers, text } = receiver.requests[0] ?? assert.fail();
  assert.deepEqual([method, path], ['POST', '/v1/metrics']);
  assert.match(headers['content-type'] ?? '', /^application\/json/);
  assert.match(text, /"service.instance.id","value":\{"stringValue":"host:7"\}/);
  assert.deepEqual(errors.counts(), {});
});

test('is off until it is told where to, observes nothing then, and again when there is nowhere', async (t) => {
  const receiver = await receive(t);
  const { metrics, source, timers, tick } = make(t);
  metrics.use(null, null);
  assert.equal(source.isStarted, false);
  assert.equal(timers.pending, 0);
  metrics.use({ ...configured(receiver.port), url: null }, attributes);
  assert.equal(source.isStarted, false, 'an agent that has not answered yet is nowhere');
  metrics.use(configured(receiver.port), attributes);
  assert.equal(source.isStarted, true);
  await tick();
  metrics.use(null, null);
  assert.equal(source.isStarted, false);
  assert.equal(timers.pending, 0);
  await metrics.flush(1000);
  metrics.sendAtExit();
  await sleep(30);
  assert.equal(receiver.requests.length, 1);
});

test('goes on as it was when it is told the same again, and turns to another receiver without beginning anew', async (t) => {
  const [one, other] = [await receive(t), await receive(t)];
  const { metrics, source, timers, tick, lines } = make(t);
  metrics.use(configured(one.port), attributes);
  await tick();
  metrics.use(configured(one.port), [...attributes]);
  assert.equal(timers.pending, 1);
  source.start = () => {};
  source.stop = () => assert.fail('its totals would be lost');
  metrics.use(configured(other.port), attributes);
  await tick();
  assert.deepEqual([valuesOf(one), valuesOf(other)], [[1], [2]]);
  assert.equal(lines.filter((line) => line.includes('service.instance.id host:7')).length, 2, lines.join('\n'));
  source.stop = () => {};
});

test('waits until it is known who sends', async (t) => {
  const receiver = await receive(t);
  const { metrics, source, tick } = make(t);
  metrics.use(configured(receiver.port), null);
  assert.equal(source.isStarted, true, 'totals count from here');
  await tick();
  await metrics.flush(1000);
  assert.equal(source.reads, 0, 'rates are those since the last export');
  metrics.use(configured(receiver.port), attributes);
  await tick();
  assert.deepEqual(valuesOf(receiver), [1]);
});

test('comes less often when it is not accepted, a minute apart at most, keeps nothing, and recovers', async (t) => {
  const receiver = await receive(t);
  const { metrics, tick, lines } = make(t);
  receiver.handler = answerWith(503);
  metrics.use(configured(receiver.port), attributes);
  const waits: number[] = [];
  for (let round = 0; round < 6; round++) waits.push(await tick());
  assert.deepEqual(waits, [10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
  receiver.handler = acceptAll;
  await tick();
  assert.equal(await tick(), 10_000);
  assert.deepEqual(valuesOf(receiver), [1, 2, 3, 4, 5, 6, 7, 8], 'one request each, with the values of its time');
  const failed = lines.filter((line) => line.includes('503'));
  assert.equal(failed.length, 1, lines.join('\n'));
  assert.match(failed[0] ?? '', /^debug: /);
});

test('one debug line says that nobody listens', async (t) => {
  const receiver = await new OtlpReceiver().listen();
  const { port } = receiver;
  await receiver.close();
  const { metrics, tick, lines } = make(t);
  metrics.use(offered(port), attributes);
  for (let round = 0; round < 3; round++) await tick();
  assert.deepEqual(
    lines.filter((line) => line.includes('ECONNREFUSED')).map((line) => line.slice(0, 6)),
    ['debug:'],
  );
  assert.deepEqual(
    lines.filter((line) => !line.startsWith('debug:')),
    [],
  );
});

test('leaves a receiver alone for as long as it asks', async (t) => {
  const receiver = await receive(t);
  const { metrics, tick } = make(t);
  receiver.handler = answerWith(429, {}, { 'Retry-After': '300' });
  metrics.use(configured(receiver.port), attributes);
  await tick();
  assert.equal(await tick(), 300_000);
  receiver.handler = answerWith(429, {}, { 'Retry-After': '99999999' });
  await tick();
  assert.equal(await tick(), 600_000);
});

test('a refusal is told once to whoever named the endpoint, and to nobody when an agent offered it', async (t) => {
  const receiver = await receive(t);
  for (const [settings, level] of [
    [configured(receiver.port, { url: `http://127.0.0.1:${receiver.port}/v1/metrics?key=hunter2` }), 'warn'],
    [offered(receiver.port), 'debug'],
  ] as const) {
    for (const handler of [
      answerWith(401),
      answerWith(200, { partialSuccess: { rejectedDataPoints: '3', errorMessage: 'too old' } }),
    ]) {
      const { metrics, tick, lines } = make(t);
      receiver.handler = handler;
      metrics.use(settings, attributes);
      for (let round = 0; round < 3; round++) await tick();
      const told = lines.filter((line) => /status 401|3 values: too old/.test(line));
      assert.deepEqual(
        told.map((line) => line.split(':')[0]),
        [level],
      );
      assert.ok(!lines.join().includes('hunter2'));
    }
  }
});

test('a flush sends the values of its moment, also while an export is under way', async (t) => {
  const receiver = await receive(t);
  const { metrics, timers, source } = make(t);
  let answer = (): void => {};
  receiver.handler = (response, text, path) => {
    answer = () => acceptAll(response, text, path);
  };
  metrics.use(configured(receiver.port), attributes);
  timers.next();
  await waitUntil(() => receiver.requests.length === 1, 'the export is under way');
  const flushed = metrics.flush(1000);
  assert.equal(source.reads, 1);
  receiver.handler = acceptAll;
  answer();
  await flushed;
  assert.deepEqual(valuesOf(receiver), [1, 2]);
});

test('a flush is over when its time is, whatever the receiver does', async (t) => {
  const receiver = await receive(t);
  receiver.handler = () => {};
  const { metrics, timers } = make(t);
  metrics.use(configured(receiver.port, { timeoutMs: 300 }), attributes);
  let isOver = false;
  void metrics.flush(1000).then(() => {
    isOver = true;
  });
  await waitUntil(() => receiver.requests.length === 1, 'it is sent');
  assert.equal(isOver, false);
  assert.equal(timers.next(), 1000);
  await waitUntil(() => isOver, 'it is over');
});

test('stopping sends a last time', async (t) => {
  const receiver = await receive(t);
  const { metrics, source, timers } = make(t);
  metrics.use(configured(receiver.port), attributes);
  await metrics.stop(1000);
  assert.deepEqual(valuesOf(receiver), [1]);
  assert.equal(source.isStarted, false);
  assert.equal(timers.pending, 0);
});

test('works in the context in which it was made, not in that of whoever flushes', async (t) => {
  const receiver = await receive(t);
  const { metrics, source } = make(t);
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  source.onRead = () => void seen.push(storage.getStore());
  metrics.use(configured(receiver.port), attributes);
  await storage.run('a request', () => metrics.flush(1000));
  await storage.run('a request', async () => {
    await metrics.flush(1000);
    assert.equal(storage.getStore(), 'a request');
  });
  assert.deepEqual(seen, [undefined, undefined]);
});

test('an internal error is counted, and the next export comes', async (t) => {
  const receiver = await receive(t);
  const { metrics, source, tick, errors } = make(t);
  metrics.use(configured(receiver.port), attributes);
  source.onRead = () => {
    throw new Error('no reading today');
  };
  await tick();
  metrics.sendAtExit();
  await metrics.flush(1000);
  source.onRead = () => {};
  await tick();
  assert.equal(valuesOf(receiver).length, 1);
  assert.deepEqual(errors.counts(), { 'OTLP metrics': 3 });
});
