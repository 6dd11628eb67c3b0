// Outgoing calls of every shape: the app sees what it sees without the sensor, and each call leaves one exit span.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { type Arrival, startDownstream } from '../../support/downstream.js';
import { comparable, exchange, newTrace, type Reply, type TraceIds } from '../../support/exchange.js';
import { appsFolder, type Loader, runApp } from '../../support/run-app.js';
import { startTestAgent } from '../../support/span-collector.js';
import { type ExitCall, type ExitFacts, exitCalls } from './exit-calls.js';
import { untracedOnly } from './run-cases.js';
import { same } from './verify.js';

interface Made {
  readonly trace: TraceIds;
  readonly reply: Reply;
}

interface Run {
  readonly made: ReadonlyMap<string, Made>;
  readonly arrivals: readonly Arrival[];
  readonly spans: readonly WireSpan[];
  readonly warnings: readonly string[];
  readonly bases: { readonly http: string; readonly https: string };
}

/** Calls that are also made in a suppressed request and outside any request. */
const shapes = [
  'getString',
  'headersRaw',
  'headersFrozen',
  'continues',
  'fetchString',
  'fetchRequest',
  'tls-getOptions',
];

for (const loader of ['require', 'import'] as const) {
  describe(`outgoing calls by ${loader}`, () => {
    let runs: Promise<Runs> = Promise.reject(new Error('not started'));
    runs.catch(() => {});
    before(async () => {
      runs = runBoth(loader);
      await runs.catch(() => {}); // each test reports it
    });
    for (const call of exitCalls) it(`${call.name} leaves its exit span`, async () => verifyCall(call, await runs));
    for (const name of shapes) {
      it(`${name} leaves nothing in a suppressed request, and says so downstream`, async () =>
        verifySuppressed(name, await runs));
      it(`${name} is left alone outside any request`, async () => verifyOutside(name, await runs));
    }
    it('warns as it does without the sensor', async () => {
      const { traced, untraced } = await runs;
      assert.deepEqual(new Set(traced.warnings), new Set(untraced.warnings));
    });
  });
}

interface Runs {
  readonly untraced: Run;
  readonly traced: Run;
}

async function runBoth(loader: 'require' | 'import'): Promise<Runs> {
  const untraced = await run('none', loader);
  return { untraced, traced: untracedOnly ? untraced : await run(loader, loader) };
}

async function run(loader: Loader, twin: 'require' | 'import'): Promise<Run> {
  const certificate = (file: string): Buffer => readFileSync(join(appsFolder, 'certificate', file));
  const agent = await startTestAgent();
  const downstream = await startDownstream();
  const secure = await startDownstream({ key: certificate('key.pem'), cert: certificate('cert.pem') });
  const host = await runApp({
    file: twin === 'require' ? 'exits-app.cjs' : 'exits-app.mjs',
    loader,
    agentPort: agent.port,
    downstreamUrl: downstream.url,
    env: { DOWNSTREAM_TLS_URL: secure.url },
  });
  try {
    if (loader !== 'none') assert.ok(await agent.waitForAnnounce(host.pid, 8000), `no announce\n${host.stderr()}`);
    const to = { port: host.ports['exits'] ?? 0, secure: false };
    const made = new Map<string, Made>();
    const make = async (label: string, path: string, headers: Record<string, string>): Promise<void> => {
      const trace = newTrace();
      made.set(label, { trace, reply: await exchange(to, { path, headers }, trace) });
    };
    await Promise.all(exitCalls.map(({ name }) => make(name, `/${name}/${keyOf(name)}`, {})));
    await Promise.all(
      shapes.flatMap((name) => [
        make(`suppressed ${name}`, `/${name}/${keyOf(`suppressed-${name}`)}`, { 'X-INSTANA-L': '0' }),
        make(`outside ${name}`, `/later/${name}/${keyOf(`outside-${name}`)}`, {}),
      ]),
    );
    if (loader !== 'none') {
      const complete = (spans: readonly WireSpan[]): boolean =>
        exitCalls.every(
          ({ name, exits }) => spans.filter(({ t }) => t === made.get(name)?.trace.t).length > exits.length,
        );
      await agent.waitForSpans(complete, 8000);
      // A second post of spans would have brought duplicates by then.
      await new Promise((resolve) => setTimeout(resolve, 1300));
    }
    const { warnings } = await host.facts();
    const arrivals = [...downstream.arrivals, ...secure.arrivals];
    return { made, arrivals, spans: [...agent.spans()], warnings, bases: { http: downstream.url, https: secure.url } };
  } finally {
    await host.stop();
    for (const server of [agent, downstream, secure]) await server.close();
  }
}

const keyOf = (name: string): string => `key-of-${name}`;

function verifyTwin(label: string, { untraced, traced }: Runs): Made {
  const without = untraced.made.get(label);
  const made = traced.made.get(label);
  assert.ok(without !== undefined && made !== undefined);
  assert.equal(without.reply.status, 200, `without the sensor: ${without.reply.failure}`);
  assert.doesNotMatch(without.reply.body, /^"rejected:/);
  assert.deepEqual(comparable(made.reply), comparable(without.reply), 'what the app saw');
  return made;
}

function verifyCall(call: ExitCall, runs: Runs): void {
  const { traced } = runs;
  const { trace } = verifyTwin(call.name, runs);
  if (untracedOnly) return;
  const spans = traced.spans.filter(({ t }) => t === trace.t);
  const entries = spans.filter(({ k }) => k === 1);
  const exits = spans.filter(({ k }) => k === 2).sort((one, other) => one.ts - other.ts);
  assert.equal(entries.length, 1, 'entry spans');
  if (call.optional === true) {
    assert.ok(exits.length <= 1, `${exits.length} exit spans`);
    return;
  }
  assert.equal(exits.length, call.exits.length, 'exit spans');
  for (const exit of exits) {
    assert.equal(exit.n, 'node.http.client');
    assert.equal(exit.p, entries[0]?.s, 'parent');
    const facts = call.exits.find((one) => exit.data.http?.url === urlOf(one, call, traced));
    assert.ok(facts !== undefined, `url ${exit.data.http?.url}`);
    verifyExit(exit, facts);
  }
  if (call.unheard !== true) verifyHeaders(call, exits, trace, traced);
}

function urlOf(facts: ExitFacts, call: ExitCall, { bases }: Run): string {
  const url = facts.url ?? '/ok';
  const base = call.name.startsWith('tls-') ? bases.https : bases.http;
  const shown = facts.credentials === true ? base.replace('//', '//<redacted>:<redacted>@') : base;
  return `${url.startsWith('/') ? shown : ''}${url}/${keyOf(call.name)}`;
}

function verifyExit(exit: WireSpan, facts: ExitFacts): void {
  const http = exit.data.http ?? {};
  assert.equal(http.method, facts.method ?? 'GET', 'method');
  assert.equal(http.params ?? undefined, facts.params, 'params');
  same(http.status, facts.status === undefined ? 200 : (facts.status ?? undefined), 'status');
  same(http.error, facts.error, 'error');
  assert.equal(exit.ec, http.error !== undefined || (http.status ?? 0) >= 500 ? 1 : 0, 'ec');
  assert.ok(Number.isInteger(exit.d) && exit.d >= 0, `duration ${exit.d}`);
}

/** Each exit span has its own arrival downstream, with the ids of that span. */
function verifyHeaders(call: ExitCall, exits: readonly WireSpan[], trace: TraceIds, { arrivals }: Run): void {
  const own = arrivals.filter(({ url }) => url.split('?')[0]?.endsWith(`/${keyOf(call.name)}`));
  assert.equal(own.length, exits.length, 'arrivals downstream');
  for (const arrival of own) {
    if (call.headers === 'own') {
      assert.deepEqual(values(arrival, 'x-instana-t'), ['1111111111111111'], "the caller's own header");
      continue;
    }
    assert.deepEqual(values(arrival, 'x-instana-t'), [trace.t]);
    assert.deepEqual(values(arrival, 'x-instana-l'), ['1']);
    const [s = ''] = values(arrival, 'x-instana-s');
    assert.ok(
      exits.some((exit) => exit.s === s),
      `X-INSTANA-S ${s} is no exit span of this call`,
    );
  }
}

function verifySuppressed(name: string, runs: Runs): void {
  const { traced } = runs;
  const { trace } = verifyTwin(`suppressed ${name}`, runs);
  if (untracedOnly) return;
  const key = keyOf(`suppressed-${name}`);
  assert.deepEqual(
    traced.spans.filter((span) => span.t === trace.t || span.data.http?.url?.endsWith(key)),
    [],
  );
  const arrival = traced.arrivals.find(({ url }) => url.endsWith(key));
  assert.ok(arrival !== undefined);
  assert.deepEqual(ours(arrival), [['x-instana-l', '0']]);
}

function verifyOutside(name: string, runs: Runs): void {
  const { traced } = runs;
  verifyTwin(`outside ${name}`, runs);
  if (untracedOnly) return;
  const key = keyOf(`outside-${name}`);
  assert.deepEqual(
    traced.spans.filter((span) => span.k === 2 && span.data.http?.url?.endsWith(key)),
    [],
  );
  const arrival = traced.arrivals.find(({ url }) => url.endsWith(key));
  assert.ok(arrival !== undefined);
  assert.deepEqual(ours(arrival), []);
}

function ours(arrival: Arrival): [string, string][] {
  return arrival.headers
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => name.startsWith('x-instana-'));
}

function values(arrival: Arrival, wanted: string): string[] {
  return ours(arrival).flatMap(([name, value]) => (name === wanted ? [value] : []));
}
