// The payload as a whole: every member of the recordings is there with its type, or its absence has a reason.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readConfig } from '../../../src/config/read-config.js';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { Ticker } from '../../../src/core/ticker.js';
import { AgentMeter, type AgentMeterDependencies } from '../../../src/metrics/agent-meter.js';
import { GcObserver } from '../../../src/metrics/gc-observer.js';
import { delta } from '../../../src/protocol/metrics-payload.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { collectGarbage, ManualTicker } from './sources.js';

const vectors = join(__dirname, '../../../../test/vectors');
const recorded = JSON.parse(readFileSync(join(vectors, 'agent-exchange.json'), 'utf8')) as {
  metricsFull: Record<string, unknown>;
  metricsSecond: Record<string, unknown>;
  metricsDeltas: Record<string, unknown>[];
};
const packageJson = join(__dirname, '../../../../package.json');

function makeMeter(t: TestContext, overrides: Partial<AgentMeterDependencies> = {}): AgentMeter {
  const log = new Log('off');
  const errors = new InternalErrors(log);
  const meter = new AgentMeter({
    ticker: new Ticker(errors),
    errors,
    gc: new GcObserver(errors),
    log,
    config: () => readConfig({}, { packageJsonPath: packageJson }, undefined, () => {}),
    httpServers: () => ({
      '127.0.0.14102': { type: 'http', address: { address: '127.0.0.1', family: 'IPv4', port: 4102 } },
    }),
    initTooLate: () => false,
    sensorVersion: '1.2.3',
    ...overrides,
  });
  t.after(() => meter.stop());
  return meter;
}

/** Kinds of all members, by dotted path; arrays and maps whose names are data count as one. */
function kinds(value: unknown, path = ''): Map<string, string> {
  const maps = ['.versions', '.http', '.dependencies', '.directDependencies.', '.heapSpaces.'];
  const isMap = maps.some((map) => (map.endsWith('.') ? path.startsWith(map) : path === map));
  const kind = Array.isArray(value) ? 'array' : typeof value;
  if (kind !== 'object' || isMap || value === null) return new Map([[path, kind]]);
  const inside = Object.entries(value as object).flatMap(([name, member]) => [...kinds(member, `${path}.${name}`)]);
  return new Map(inside.length === 0 ? [[path, kind]] : inside);
}

/** Why a recorded member is not sent. */
const absent: Record<string, string> = {
  '.libuv.min': 'Node.js counts iterations of the event loop but does not time them; only native code can',
  '.libuv.max': 'the same',
  '.libuv.sum': 'the same',
  '.directDependencies.demo-app': 'the name of the recorded application',
};
/** Heap spaces come and go with versions of V8. */
const isOfThisV8 = (path: string): boolean => !path.startsWith('.heapSpaces.') || path === '.heapSpaces.new_space';

test('has every member of the recordings with the same type', async (t) => {
  const meter = makeMeter(t);
  meter.start();
  const first = kinds(meter.read(12345));
  await waitUntil(() => Object.keys(meter.read(1)['dependencies'] as object).length > 0, 'the data of the package');
  collectGarbage();
  await waitUntil(
    () => (meter.read(1)['gc'] as { usedHeapSizeAfterGc?: number }).usedHeapSizeAfterGc !== undefined,
    'the collection',
  );
  const later = kinds(meter.read(12345));
  const check = (expected: Map<string, string>, actual: Map<string, string>): void => {
    for (const [path, kind] of expected) {
      if (absent[path] === undefined && isOfThisV8(path)) assert.equal(actual.get(path), kind, path);
    }
  };
  check(kinds(recorded.metricsFull), first);
  check(kinds(recorded.metricsSecond), later);
  for (const recordedDelta of recorded.metricsDeltas) check(kinds(recordedDelta), later);
});

test('invents no member', (t) => {
  const known = [...kinds(recorded.metricsFull).keys(), ...kinds(recorded.metricsSecond).keys()];
  const meter = makeMeter(t);
  meter.start();
  const own = [...kinds(meter.read(1)).keys()].filter((path) => !path.startsWith('.heapSpaces.'));
  assert.deepEqual(
    own.filter((path) => !known.includes(path)),
    [],
  );
});

test('reports event loop statistics as not supported, since three of the four are missing', (t) => {
  // The agent's flag covers min, max, sum and num together: with it, the agent would show a loop without iterations.
  const meter = makeMeter(t);
  meter.start();
  const { statsSupported, lag, num } = meter.read(1)['libuv'] as { statsSupported: boolean; lag: number; num?: number };
  assert.equal(statsSupported, false);
  assert.equal(lag, 0);
  assert.ok(num === undefined || Number.isInteger(num));
});

test('the next payload differs only in what moves', async (t) => {
  const meter = makeMeter(t);
  meter.start();
  await waitUntil(() => Object.keys(meter.read(1)['dependencies'] as object).length > 0, 'the data of the package');
  const changed = Object.keys(delta(meter.read(1), meter.read(1)));
  const moving = ['activeResources', 'gc', 'heapSpaces', 'libuv', 'memory'];
  assert.deepEqual(
    changed.filter((name) => !moving.includes(name)),
    [],
  );
});

test('says that it was loaded too late only when it was', (t) => {
  assert.equal(Object.hasOwn(makeMeter(t).read(1), 'initTooLate'), false);
  assert.equal(makeMeter(t, { initTooLate: () => true }).read(1)['initTooLate'], true);
});

test('has the facts of this process, without secrets', (t) => {
  const { argv } = process;
  process.argv = [...argv, '--db-password=hunter2'];
  t.after(() => {
    process.argv = argv;
  });
  const payload = makeMeter(t).read(7);
  assert.equal(payload['sensorVersion'], '1.2.3');
  assert.equal(payload['pid'], 7);
  assert.equal((payload['versions'] as Record<string, string>)['node'], process.versions.node);
  assert.ok(Math.abs((payload['startTime'] as number) + process.uptime() * 1000 - Date.now()) < 60_000);
  assert.ok(!JSON.stringify(payload).includes('hunter2'));
});

test('counts garbage collections by their kind since the last read', async (t) => {
  const meter = makeMeter(t);
  meter.start();
  collectGarbage();
  collectGarbage({ type: 'minor' });
  const seen = { minorGcs: 0, majorGcs: 0, gcPause: 0 };
  await waitUntil(() => {
    const gc = meter.read(1)['gc'] as typeof seen & { statsSupported: boolean };
    assert.equal(gc.statsSupported, true);
    for (const name of ['minorGcs', 'majorGcs', 'gcPause'] as const) seen[name] += gc[name];
    return seen.minorGcs > 0 && seen.majorGcs > 0;
  }, 'a collection of each type');
  assert.ok(seen.gcPause > 0);
  meter.stop();
  // Another observer knows of the collection as soon as this one would.
  const witness = new GcObserver(new InternalErrors(new Log('off')));
  let isReported = false;
  t.after(
    witness.listen(() => {
      isReported = true;
    }),
  );
  collectGarbage();
  await waitUntil(() => isReported, 'a collection');
  assert.equal((meter.read(1)['gc'] as typeof seen).majorGcs, 0);
});

test('has the lag of the event loop that the ticker reports', (t) => {
  const ticker = new ManualTicker();
  const meter = makeMeter(t, { ticker });
  meter.start();
  const lag = (): number => (meter.read(1)['libuv'] as { lag: number }).lag;
  assert.equal(lag(), 0);
  ticker.tick(412.3456);
  assert.equal(lag(), 412.35);
  meter.stop();
  assert.equal(ticker.listeners.size, 0);
});

test('counts iterations of the event loop where Node.js does', async (t) => {
  const meter = makeMeter(t);
  meter.start();
  meter.read(1);
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => void setImmediate(resolve));
  const { num } = meter.read(1)['libuv'] as { num?: number };
  const isCounted = 'uvMetricsInfo' in performance.nodeTiming;
  assert.equal(num !== undefined && num > 0, isCounted);
});
