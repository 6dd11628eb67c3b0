// Ignored endpoints and instrumentations that are switched off, in processes of their own, from each place that can say so.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { TestAgent } from '../../support/agent/test-agent.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { type Arrival, type Downstream, startDownstream } from '../../support/downstream.js';
import { exchange, newTrace, type Reply, type TraceIds } from '../../support/exchange.js';
import { type HostApp, runApp } from '../../support/run-app.js';
import { untracedOnly } from './run-cases.js';

const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-policy-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const rulesFile = join(folder, 'rules.yaml');
writeFileSync(rulesFile, 'tracing:\n  ignore-endpoints:\n    http:\n      - endpoints: [/HEALTH] # probes\n');

interface Setting {
  readonly env?: Readonly<Record<string, string>>;
  readonly code?: object;
  /** The section `tracing` of the agent's answer. */
  readonly agent?: Readonly<Record<string, unknown>>;
}

class Stage {
  readonly agent: TestAgent;
  readonly downstream: Downstream;
  readonly app: HostApp;

  private constructor(agent: TestAgent, downstream: Downstream, app: HostApp) {
    this.agent = agent;
    this.downstream = downstream;
    this.app = app;
  }

  static async open(framework: string, { env = {}, code, agent: tracing = {} }: Setting): Promise<Stage> {
    const agent = await TestAgent.start({ record: true });
    agent.announceSettings.tracing = tracing;
    const downstream = await startDownstream();
    const app = await runApp({
      file: 'policy-app.cjs',
      loader: 'require',
      agentPort: agent.port,
      downstreamUrl: downstream.url,
      env: { FRAMEWORK: framework, ...(code === undefined ? {} : { CODE_OPTIONS: JSON.stringify(code) }), ...env },
    });
    // The sensor knows the agent's settings before it asks whether the agent is ready.
    await waitUntil(() => agent.requests('HEAD').length > 0, 'the sensor', 10_000);
    return new Stage(agent, downstream, app);
  }

  request(path: string, trace: TraceIds | null = null, method = 'GET'): Promise<Reply> {
    return exchange({ port: this.app.ports['app'] ?? 0, secure: false }, { path, method }, trace);
  }

  /** All spans, once those of one more request are there, and all that arrived downstream before that. */
  async settled(): Promise<{ spans: WireSpan[]; arrivals: readonly Arrival[] }> {
    const arrivals = [...this.downstream.arrivals];
    const last = newTrace();
    await this.request('/last', last);
    const spans = await this.agent.waitForSpans((all) => all.some(({ t, k }) => t === last.t && k === 1));
    return { spans: spans.filter(({ t }) => t !== last.t), arrivals };
  }

  /** Names of modules that are switched off; `off` is handed to `configure()` before. */
  async disabled(off = ''): Promise<string[]> {
    const { body } = await this.request(`/status${off === '' ? '' : `?off=${off}`}`);
    return (JSON.parse(body) as { name: string }[]).map(({ name }) => name);
  }

  async close(): Promise<void> {
    await this.app.stop();
    await this.agent.close();
    await this.downstream.close();
  }
}

async function onStage(framework: string, setting: Setting, play: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = await Stage.open(framework, setting);
  try {
    await play(stage);
    assert.equal(stage.app.stderr().replaceAll(/^\[ts-sensor\] info: Instana agent found.*\n/gm, ''), '');
  } finally {
    await stage.close();
  }
}

/** The three headers of a request that arrived downstream, by lower-case name. */
function traceHeadersOf({ headers }: Arrival): Record<string, string> {
  return Object.fromEntries(
    headers
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => name.startsWith('x-instana-')),
  );
}

const frameworks = ['http', 'express', 'koa'];
const places: Readonly<Record<string, Setting>> = {
  environment: { env: { INSTANA_IGNORE_ENDPOINTS: 'redis:get;http:options' } },
  file: { env: { INSTANA_IGNORE_ENDPOINTS_PATH: rulesFile, INSTANA_IGNORE_ENDPOINTS: 'http:get' } },
  code: { code: { tracing: { ignoreEndpoints: { http: [{ methods: ['OPTIONS'], endpoints: ['/health'] }] } } } },
  agent: { agent: { 'ignore-endpoints': { http: [{ methods: ['options'], endpoints: ['/health'] }] } } },
};

describe('an ignored endpoint', { skip: untracedOnly }, () => {
  for (const framework of frameworks) {
    for (const [place, setting] of Object.entries(places)) {
      it(`H26 has no span, nor has what it calls, and level 0 is told: ${framework}, set by the ${place}`, () =>
        onStage(framework, setting, async (stage) => {
          const [ignored, traced] = [newTrace(), newTrace()];
          for (const trace of [ignored, null]) {
            const { status, body, headers } = await stage.request('/health?x=1', trace, 'OPTIONS');
            assert.deepEqual([status, body], [200, '/ok/http /ok/fetch']);
            // As the official sensor does: pages cannot tell that there is nothing to be found.
            const [, timing = ''] = headers.find(([name]) => name.toLowerCase() === 'server-timing') ?? [];
            assert.match(timing, trace === null ? /^intid;desc=[0-9a-f]{16}$/ : new RegExp(`^intid;desc=${trace.t}$`));
          }
          await stage.request('/work', traced);
          const { spans, arrivals } = await stage.settled();
          assert.deepEqual(new Set(spans.map(({ t }) => t)), new Set([traced.t]));
          assert.deepEqual(spans.map(({ k }) => k).sort(), [1, 2, 2]);
          const told = arrivals.map(traceHeadersOf);
          assert.deepEqual(
            told.slice(0, 4),
            Array.from({ length: 4 }, () => ({ 'x-instana-l': '0' })),
          );
          for (const headers of told.slice(4)) assert.equal(headers['x-instana-t'], traced.t);
          assert.equal(told.length, 6);
        }));
    }
  }

  it('is left out alone where suppression is switched off: what it calls stands below its caller', () =>
    onStage(
      'express',
      {
        env: { INSTANA_IGNORE_ENDPOINTS_DISABLE_SUPPRESSION: 'true', BY_HAND: '1' },
        agent: { 'ignore-endpoints': { http: [{ endpoints: ['/health'] }] } },
      },
      async (stage) => {
        const trace = newTrace();
        await stage.request('/health', trace);
        await stage.request('/health');
        const { spans, arrivals } = await stage.settled();
        const shown = (list: readonly WireSpan[]): unknown[] => list.map(({ n, k, p }) => [n, k, p ?? null]).sort();
        const calls = (parent: string | null): unknown[] =>
          Array.from({ length: 2 }, () => ['node.http.client', 2, parent]);
        const below = spans.filter(({ t }) => t === trace.t);
        assert.deepEqual(shown(below), [...calls(trace.s), ['sdk', 3, trace.s]]);
        const alone = spans.filter(({ t }) => t !== trace.t);
        assert.deepEqual(shown(alone), [...calls(null), ['sdk', 1, null]]);
        assert.equal(new Set(alone.map(({ t }) => t)).size, 1);
        const told = arrivals.map((arrival) => traceHeadersOf(arrival)['x-instana-s']);
        assert.deepEqual(told.sort(), spans.flatMap(({ n, s }) => (n === 'sdk' ? [] : [s])).sort());
      },
    ));

  it('follows the stronger place', () =>
    onStage('http', { ...places['code'], agent: { 'ignore-endpoints': { http: ['*'] } } }, async (stage) => {
      const trace = newTrace();
      await stage.request('/work', trace);
      const { spans } = await stage.settled();
      assert.equal(spans.filter(({ t }) => t === trace.t).length, 3);
    }));
});

describe('an instrumentation that is switched off', { skip: untracedOnly }, () => {
  const routes: Readonly<Record<string, readonly [framework: string, names: readonly string[]]>> = {
    express: ['express', ['express']],
    koa: ['koa', ['koa', '@koa/router']],
  };
  for (const [name, [framework, names]] of Object.entries(routes)) {
    for (const place of ['environment', 'agent', 'code later'] as const) {
      it(`names no routes, and is shown as disabled: ${name}, switched off by the ${place}`, () => {
        const setting: Setting =
          place === 'environment'
            ? { env: { INSTANA_TRACING_DISABLE: names.join() } }
            : { agent: { disable: place === 'agent' ? Object.fromEntries(names.map((one) => [one, true])) : {} } };
        return onStage(framework, setting, async (stage) => {
          if (place === 'code later') assert.deepEqual(await stage.disabled(), []);
          assert.deepEqual(await stage.disabled(place === 'code later' ? names.join() : ''), names);
          const trace = newTrace();
          await stage.request('/work', trace);
          const { spans } = await stage.settled();
          const entry = spans.find(({ t, k }) => t === trace.t && k === 1);
          assert.equal(entry?.data.http?.status, 200);
          assert.equal(entry?.data.http?.path_tpl, undefined);
        });
      });
    }
  }

  for (const [place, setting] of Object.entries<Setting>({
    environment: { env: { INSTANA_TRACING_DISABLE_INSTRUMENTATIONS: 'fetch' } },
    code: { code: { tracing: { disable: ['fetch', '!http'] } } },
    agent: { agent: { disable: { fetch: true, http: false } } },
  })) {
    it(`makes no spans and sends no headers: fetch, switched off by the ${place}`, () =>
      onStage('http', setting, async (stage) => {
        const trace = newTrace();
        await stage.request('/work', trace);
        const { spans, arrivals } = await stage.settled();
        assert.deepEqual(spans.map(({ k, data }) => [k, data.http?.url?.split('/').at(-1)]).sort(), [
          [1, 'work'],
          [2, 'http'],
        ]);
        const byFetch = arrivals.find(({ url }) => url === '/ok/fetch');
        assert.deepEqual(byFetch === undefined ? null : traceHeadersOf(byFetch), {});
        assert.deepEqual(await stage.disabled(), ['fetch']);
      }));
  }

  it('ends what is under way and begins nothing more, until it is switched on again', () =>
    onStage('http', {}, async (stage) => {
      assert.deepEqual(await stage.disabled('http'), ['http']);
      await stage.request('/work', newTrace());
      assert.deepEqual(await stage.disabled('koa'), ['koa']);
      const { spans } = await stage.settled();
      // The request that switched it off, and the one that did not know yet that it is on again, which has no span.
      assert.deepEqual(
        spans.map(({ k, data }) => [k, data.http?.url]),
        [[1, '/status']],
      );
    }));

  it('is all of them with INSTANA_TRACING_DISABLE=true', () =>
    onStage('http', { env: { INSTANA_TRACING_DISABLE: 'true' } }, async (stage) => {
      await stage.request('/work', newTrace());
      assert.ok((await stage.disabled()).includes('http'));
      assert.deepEqual(
        stage.downstream.arrivals.flatMap((arrival) => Object.keys(traceHeadersOf(arrival))),
        [],
      );
      assert.deepEqual(stage.agent.spans(), []);
    }));
});
