// Metrics of real processes, as a collector and an agent get them.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { thisHost } from '../../../src/metrics/host.js';
import { existsOn, findMetric, metricRegistry, metricScope } from '../../../src/protocol/metric-registry.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { answerWith, type OtlpHandler, OtlpReceiver, throughProtobuf, withoutEmptyLists } from '../../support/otlp.js';
import { appsFolder, repositoryRoot } from '../../support/run-app.js';
import { FakeAgent } from '../../unit/agent/fake-agent.js';

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string };
}

interface DataPoint {
  readonly attributes: readonly Attribute[];
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano: string;
  readonly asInt?: string;
  readonly asDouble?: number;
  readonly count?: string;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}

interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly sum?: {
    readonly aggregationTemporality: number;
    readonly isMonotonic: boolean;
    readonly dataPoints: readonly DataPoint[];
  };
  readonly gauge?: { readonly dataPoints: readonly DataPoint[] };
  readonly histogram?: { readonly aggregationTemporality: number; readonly dataPoints: readonly DataPoint[] };
}

interface Export {
  readonly resource: ReadonlyMap<string, string>;
  readonly scope: string;
  readonly metrics: readonly Metric[];
  /** By name and attribute value. */
  readonly series: ReadonlyMap<string, DataPoint & { readonly metric: Metric }>;
}

const agentPid = 4242;
const agentUuid = '02:42:ac:ff:fe:11:00:02';
const preload = join(repositoryRoot, 'build/src/bootstrap.js');

function run(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  nodeArguments: readonly string[] = [],
): ChildProcessWithoutNullStreams {
  const child = spawn(
    process.execPath,
    ['--expose-gc', ...nodeArguments, '-r', preload, join(appsFolder, 'otlp-metrics-app.cjs'), ...args],
    {
      env: {
        PATH: process.env['PATH'],
        INSTANA_AGENT_HOST: '127.0.0.1',
        INSTANA_AGENT_PORT: '9',
        OTEL_METRIC_EXPORT_INTERVAL: '400',
        ...env,
      },
    },
  );
  child.stdin.on('error', () => {});
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function receive(t: TestContext): Promise<OtlpReceiver> {
  const receiver = await new OtlpReceiver().listen();
  t.after(() => receiver.close());
  return receiver;
}

async function serveAgent(t: TestContext, answer: Record<string, unknown> = {}): Promise<FakeAgent> {
  const agent = await new FakeAgent().listen();
  agent.answer = { pid: agentPid, agentUuid, ...answer };
  t.after(() => agent.close());
  return agent;
}

function endpoint(port: number): Record<string, string> {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

function pointsOf({ sum, gauge, histogram }: Metric): readonly DataPoint[] {
  return (sum ?? gauge ?? histogram)?.dataPoints ?? [];
}

function parse(document: unknown): Export {
  const { resourceMetrics } = document as {
    resourceMetrics: {
      resource: { attributes: Attribute[] };
      scopeMetrics: { scope: { name: string }; metrics: Metric[] }[];
    }[];
  };
  const [only, ...others] = resourceMetrics;
  const [scoped, ...otherScopes] = only?.scopeMetrics ?? [];
  assert.ok(only !== undefined && scoped !== undefined && others.length === 0 && otherScopes.length === 0);
  const series = new Map<string, DataPoint & { metric: Metric }>();
  for (const metric of scoped.metrics) {
    for (const point of pointsOf(metric)) {
      const name = `${metric.name}{${point.attributes.map(({ value }) => value.stringValue).join()}}`;
      assert.ok(!series.has(name), `${name} is there twice`);
      series.set(name, { ...point, metric });
    }
  }
  return {
    resource: new Map(
      only.resource.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? '']),
    ),
    scope: scoped.scope.name,
    metrics: scoped.metrics,
    series,
  };
}

function number({ asInt, asDouble, count }: DataPoint): number {
  return Number(asInt ?? asDouble ?? count);
}

/** What protobuf cannot see of one export. */
function checkExport({ scope, metrics, series }: Export): void {
  assert.equal(scope, metricScope);
  assert.equal(new Set(metrics.map(({ name }) => name)).size, metrics.length, 'no metric is there twice');
  for (const { name, unit, sum, gauge, histogram } of metrics) {
    const record = findMetric(name);
    assert.ok(record !== undefined, `${name} is in the registry`);
    assert.equal(unit, record.unit);
    const kind =
      gauge !== undefined
        ? 'gauge'
        : histogram !== undefined
          ? 'histogram'
          : sum?.isMonotonic === true
            ? 'counter'
            : 'up-down-counter';
    assert.equal(kind, record.kind, name);
    assert.equal((sum ?? histogram)?.aggregationTemporality ?? 2, 2);
  }
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  for (const [name, point] of series) {
    const { attributes, timeUnixNano, startTimeUnixNano, metric, bucketCounts, explicitBounds } = point;
    const attribute = findMetric(metric.name)?.attribute ?? null;
    assert.deepEqual(
      attributes.map(({ key }) => key),
      attribute === null ? [] : [attribute.key],
      name,
    );
    assert.ok(attribute?.values?.includes(attributes[0]?.value.stringValue ?? '') ?? true, name);
    const age = nowNs - BigInt(timeUnixNano);
    assert.ok(age >= -1_000_000_000n && age < 60_000_000_000n, `${name} is of now`);
    assert.equal(startTimeUnixNano === undefined, metric.gauge !== undefined, name);
    if (startTimeUnixNano !== undefined) assert.ok(BigInt(startTimeUnixNano) <= BigInt(timeUnixNano), name);
    assert.ok(Number.isFinite(number(point)), name);
    if (metric.name !== 'process.runtime.nodejs.heap.growth_rate') assert.ok(number(point) >= 0, name);
    if (bucketCounts === undefined) continue;
    assert.equal(bucketCounts.length, (explicitBounds?.length ?? 0) + 1, name);
    assert.equal(
      bucketCounts.reduce((total, bucket) => total + Number(bucket), 0),
      Number(point.count),
    );
  }
}

/** What two exports of one process have to agree about. */
function checkPair(first: Export, second: Export): void {
  for (const [name, before] of first.series) {
    const after = second.series.get(name);
    assert.ok(after !== undefined || before.metric.gauge !== undefined, `${name} has gone`);
    if (after === undefined) continue;
    assert.ok(BigInt(before.timeUnixNano) < BigInt(after.timeUnixNano), name);
    assert.equal(before.startTimeUnixNano, after.startTimeUnixNano, `${name} starts where it started`);
    if (before.metric.sum?.isMonotonic === true || before.count !== undefined) {
      assert.ok(number(before) <= number(after), `${name} falls`);
    }
  }
}

test('a process under load sends every series of the registry, and two exports fit together', async (t) => {
  const receiver = await receive(t);
  const agent = await serveAgent(t);
  const app = run(t, ['work'], { ...endpoint(receiver.port), INSTANA_AGENT_PORT: String(agent.port) });
  const startMs = Date.now();
  const known = (): Export[] =>
    receiver
      .accepted('metrics')
      .map(parse)
      .filter(({ resource }) => resource.get('instana.host.id') === agentUuid);
  await waitUntil(() => known().length >= 3, 'some exports');
  for (const document of receiver.accepted('metrics')) {
    assert.deepEqual(throughProtobuf('metrics', document), withoutEmptyLists(document));
  }
  const [first, second, third] = known();
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  for (const one of [first, second, third]) checkExport(one);
  checkPair(first, second);
  checkPair(second, third);

  const { platform, blockDevices, readProc } = thisHost();
  const isUnseen = (name: string): boolean =>
    (name === 'system.disk.io' && !(blockDevices() ?? []).some((device) => readProc('diskstats')?.includes(device))) ||
    (name.startsWith('system.network.io') && !/^\s*(?!lo:)\S+:/m.test(readProc('self/net/dev') ?? ''));
  const expected = metricRegistry.filter((record) => existsOn(record, platform)).map(({ name }) => name);
  const sent = third.metrics.map(({ name }) => name);
  assert.deepEqual(
    expected.filter((name) => !sent.includes(name) && !isUnseen(name)),
    [],
    'every metric is sent',
  );
  assert.deepEqual(
    sent.filter((name) => !expected.includes(name)),
    [],
  );

  const value = (name: string): number => number(third.series.get(name) ?? assert.fail(name));
  const prefix = 'process.runtime.nodejs.';
  assert.ok(value(`${prefix}cpu_time{user}`) > 0.01);
  assert.ok(value(`${prefix}gc_count{major}`) >= 3 && value(`${prefix}gc_count{minor}`) >= 3);
  assert.equal(value('v8js.gc.duration{major}'), value(`${prefix}gc_count{major}`));
  assert.ok(value(`${prefix}gc.major.rate{}`) > 0);
  assert.ok(value('nodejs.eventloop.delay.max{}') < 60, 'in seconds');
  if (platform === 'linux') {
    assert.ok(value(`${prefix}thread_count{}`) > 7, 'those of the worker are counted');
    const processStart = Number(third.series.get(`${prefix}cpu_time{user}`)?.startTimeUnixNano) / 1e6;
    assert.ok(Math.abs(processStart - startMs) < 60_000, 'counts from the start of the process');
  }

  const { resource } = third;
  assert.equal(resource.get('service.instance.id'), `${hostname()}:${app.pid}`);
  assert.equal(resource.get('telemetry.sdk.language'), 'nodejs');
  assert.equal(resource.get('telemetry.sdk.name'), 'instana-ts-sensor');
  assert.equal(resource.get('process.pid'), String(agentPid), 'as the agent knows it');
  assert.equal(receiver.connections, 1);
  assert.deepEqual(agent.spans, [], 'its own requests are not traced');
});

test('two processes of one service are two instances', async (t) => {
  const receiver = await receive(t);
  const env = { ...endpoint(receiver.port), INSTANA_SERVICE_NAME: 'shop' };
  run(t, ['work'], env);
  run(t, ['work'], env);
  const instances = (): Set<string> =>
    new Set(
      receiver
        .accepted('metrics')
        .map((document) => parse(document).resource)
        .map((resource) => `${resource.get('service.name')} ${resource.get('service.instance.id')}`),
    );
  await waitUntil(() => instances().size === 2, 'exports of both');
  for (const instance of instances()) assert.match(instance, /^shop /);
});

test('is on once an agent offers it, at the port that it names, and off with one that does not', async (t) => {
  const receiver = await receive(t);
  const agent = await serveAgent(t, { tracing: { otlp: { enabled: true, port: receiver.port } } });
  const app = run(t, ['work'], { INSTANA_AGENT_PORT: String(agent.port) });
  const stderr = textOf(app.stderr);
  await waitUntil(() => receiver.accepted('metrics').length >= 2, 'metrics');
  assert.deepEqual(
    stderr().trim().split('\n'),
    [
      `[ts-sensor] info: Instana agent found at 127.0.0.1:${agent.port}, reporting as process ${agentPid}, OTLP metrics as instance ${hostname()}:${app.pid}`,
    ],
    'one line names the instance',
  );
  agent.answer = { pid: agentPid, agentUuid };
  agent.forget();
  await waitUntil(() => agent.of('announce').length === 2, 'another announce');
  let count = -1;
  // What is under way at the announce may still arrive; then nothing comes for longer than an interval.
  for (let attempt = 0; attempt < 5 && count !== receiver.accepted('metrics').length; attempt++) {
    count = receiver.accepted('metrics').length;
    await sleep(1200);
  }
  assert.equal(receiver.accepted('metrics').length, count);
});

test('is off when an option says so, whatever the agent and the environment offer', async (t) => {
  const receiver = await receive(t);
  const agent = await serveAgent(t, { tracing: { otlp: { enabled: true, port: receiver.port } } });
  for (const off of [{ INSTANA_METRICS_OTLP_ENABLED: 'false' }, { INSTANA_METRICS_ENABLED: 'false' }]) {
    run(t, ['work'], { ...endpoint(receiver.port), INSTANA_AGENT_PORT: String(agent.port), ...off });
  }
  await waitUntil(() => agent.of('metrics').length >= 8, 'four reports of each to the agent');
  assert.deepEqual(receiver.accepted('metrics'), []);
});

test('off costs nothing: no histogram, no timer, no further observer', async (t) => {
  const receiver = await receive(t);
  const agent = await serveAgent(t);
  const spy = join(appsFolder, 'otlp-metrics-spy.cjs');
  const spied = async (env: Record<string, string>): Promise<unknown> => {
    const port = String(agent.port);
    const all = { INSTANA_AGENT_PORT: port, OTEL_METRIC_EXPORT_INTERVAL: '777', ...env };
    const app = run(t, ['spied', '1200'], all, ['-r', spy]);
    const stdout = textOf(app.stdout);
    await once(app, 'close');
    return JSON.parse(stdout());
  };
  const [off, on] = await Promise.all([spied({}), spied(endpoint(receiver.port))]);
  assert.deepEqual(
    off,
    { histograms: 0, observers: 1, timers: 0 },
    'the observer is that of the metrics for the agent',
  );
  const { histograms, observers, timers } = on as { histograms: number; observers: number; timers: number };
  assert.deepEqual(
    { histograms, observers },
    { histograms: 1, observers: 1 },
    'collections are observed once for both',
  );
  assert.ok(timers >= 1);
});

/** A receiver that hangs may delay the end by 300 ms, and by three times as much in tests. */
const maxLateMs = 1000;
const hang: OtlpHandler = () => {};
const hostile: OtlpHandler = (response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  const flood = setInterval(() => response.write('x'.repeat(65_536)), 1);
  response.on('close', () => clearInterval(flood));
};

for (const [what, handler] of [
  ['accepts', undefined],
  ['never answers', hang],
  ['answers without end', hostile],
  ['answers what is no JSON', answerWith(200, '}{')],
  ['breaks', answerWith(500)],
] as const) {
  test(`a process that has nothing else to do ends at once, also when the receiver ${what}`, async (t) => {
    const receiver = await receive(t);
    if (handler !== undefined) receiver.handler = handler;
    const app = run(t, ['end', '1000'], endpoint(receiver.port));
    const [stdout, stderr] = [textOf(app.stdout), textOf(app.stderr)];
    const [code] = await once(app, 'close');
    const lateMs = Date.now() - Number(stdout());
    assert.equal(code, 0);
    assert.ok(lateMs < maxLateMs, `${lateMs} ms late`);
    await waitUntil(() => receiver.sockets.size === 0 || receiver.requests.length > 0, 'a request');
    assert.deepEqual(
      stderr()
        .split('\n')
        .filter((line) => line !== '' && !/refuses them with status 500/.test(line)),
      [],
    );
  });
}

test('the values of the end are sent when the process ends, without holding it up', async (t) => {
  const receiver = await receive(t);
  const app = run(t, ['exit', '2000'], { ...endpoint(receiver.port), OTEL_METRIC_EXPORT_INTERVAL: '1200' });
  const [code] = await once(app, 'close');
  assert.equal(code, 3);
  await waitUntil(() => receiver.requests.length === 2, 'both');
  const [first, last] = receiver.accepted('metrics').map(parse);
  assert.ok(first !== undefined && last !== undefined);
  checkExport(last);
  checkPair(first, last);
  const seconds = ({ series }: Export): number =>
    number(series.get('process.runtime.nodejs.cpu_time{user}') ?? assert.fail());
  assert.ok(seconds(last) - seconds(first) > 0.15, 'the work of the last moments is in it');
});
