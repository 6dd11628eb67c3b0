// Runs a list of cases on a target: one host with the sensor, one without, the same requests to both.
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { type Downstream, startDownstream } from '../../support/downstream.js';
import { comparable, type Destination, exchange, newTrace } from '../../support/exchange.js';
import { type HostApp, type HostFacts, type Loader, runApp } from '../../support/run-app.js';
import { type SpanCollector, startTestAgent } from '../../support/span-collector.js';
import type { Case, Step, Target } from './case.js';
import { expectedCount, type Sent, spansOf, verifyReply, verifySpans, verifyTiming } from './verify.js';

/** With this variable only the apps themselves are tried: for writing cases where there is no build of the sensor. */
export const untracedOnly: boolean = process.env['TS_SENSOR_CONFORMANCE'] === 'untraced';

/** With this variable only the targets whose name matches it are run. */
const wanted = new RegExp(process.env['TS_SENSOR_TARGETS'] ?? '');

/** A second post of spans would have brought duplicates by then. */
const settleMs = 1300;
const patienceMs = 8000;
const casesAtOnce = 6;

interface Run {
  readonly sent: ReadonlyMap<string, readonly Sent[]>;
  readonly facts: HostFacts;
  readonly spans: readonly WireSpan[];
  readonly pid: number;
  readonly downstreamUrl: string;
}

/** Declares a suite with one test per case that applies to the target. */
export function runCases(target: Target, list: readonly Case[]): void {
  if (!wanted.test(target.name)) return;
  const cases = list.filter((candidate) => candidate.on?.(target) ?? true);
  describe(target.name, () => {
    // What goes wrong here is told by each test, since a hook that fails cancels the tests without a word.
    let runs: Promise<Runs> = Promise.reject(new Error('not started'));
    runs.catch(() => {});
    before(async () => {
      runs = runBoth(target, cases);
      await runs.catch(() => {});
    });
    for (const one of cases) it(`${one.id} ${one.title}`, async () => verifyCase(one, target, await runs));
    it('warns and leaves rejections unhandled as it does without the sensor', async () => {
      const { traced, untraced } = await runs;
      // Each once: a hook that resolves a module again makes Node repeat what it says of a package.
      assert.deepEqual(new Set(traced.facts.warnings), new Set(untraced.facts.warnings));
      assert.deepEqual([...traced.facts.rejections].sort(), [...untraced.facts.rejections].sort());
    });
  });
}

interface Runs {
  readonly untraced: Run;
  readonly traced: Run;
}

async function runBoth(target: Target, cases: readonly Case[]): Promise<Runs> {
  const untraced = await run(target, cases, 'none');
  return { untraced, traced: untracedOnly ? untraced : await run(target, cases, target.loader) };
}

function verifyCase(one: Case, target: Target, { untraced, traced }: Runs): void {
  const plain = untraced.sent.get(one.id) ?? [];
  assert.ok(plain.length > 0, `${one.id} has no steps on ${target.name}`);
  for (const [at, without] of plain.entries()) {
    const label = `${without.step.method ?? 'GET'} ${without.path.slice(0, 80)} (${without.step.to ?? 'app'})`;
    verifyReply(without, `without the sensor, ${label}`);
    const sent = traced.sent.get(one.id)?.[at];
    assert.ok(sent !== undefined);
    if (without.step.comparable !== false) {
      assert.deepEqual(comparable(sent.reply), comparable(without.reply), `${label}: reply`);
    }
    if (untracedOnly) continue;
    verifyTiming(sent, label);
    verifySpans(sent, spansOf(sent, traced.spans), traced);
  }
}

async function run(target: Target, cases: readonly Case[], loader: Loader): Promise<Run> {
  const agent = await startTestAgent();
  const downstream = await startDownstream();
  const host = await runApp({
    file: target.file,
    loader,
    agentPort: agent.port,
    downstreamUrl: downstream.url,
    ...(target.node === undefined ? {} : { node: target.node }),
    env: { ...target.env, ...(target.framework === 'https' ? { PROTOCOL: 'https' } : {}) },
  });
  try {
    return await converse(target, cases, { agent, downstream, host, traced: loader !== 'none' });
  } finally {
    await host.stop();
    await agent.close();
    await downstream.close();
  }
}

interface Stage {
  readonly agent: SpanCollector;
  readonly downstream: Downstream;
  readonly host: HostApp;
  readonly traced: boolean;
}

async function converse(target: Target, cases: readonly Case[], stage: Stage): Promise<Run> {
  const { agent, downstream, host, traced } = stage;
  if (traced) {
    const announced = await agent.waitForAnnounce(host.pid, patienceMs);
    assert.ok(announced, `${target.name}: the sensor did not announce itself\n${host.stderr()}`);
  }
  const sent = new Map<string, readonly Sent[]>();
  const waiting = [...cases];
  const work = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      sent.set(one.id, await sendAll(one, target, host));
    }
  };
  await Promise.all(Array.from({ length: casesAtOnce }, work));
  if (traced) {
    const all = [...sent.values()].flat();
    await agent.waitForSpans((spans) => haveAll(all, spans), patienceMs);
    await new Promise((resolve) => setTimeout(resolve, settleMs));
  }
  const facts = await host.facts();
  return { sent, facts, spans: [...agent.spans()], pid: host.pid, downstreamUrl: downstream.url };
}

function haveAll(sent: readonly Sent[], spans: readonly WireSpan[]): boolean {
  const perTrace = new Map<string, number>();
  for (const { t } of spans) perTrace.set(t, (perTrace.get(t) ?? 0) + 1);
  return sent.every((one) => {
    const found = one.trace === null ? spansOf(one, spans).length : (perTrace.get(one.trace.t) ?? 0);
    return found >= expectedCount(one);
  });
}

async function sendAll(one: Case, target: Target, host: HostApp): Promise<Sent[]> {
  const steps = typeof one.steps === 'function' ? one.steps(target) : one.steps;
  const sent: Sent[] = [];
  for (const step of steps) {
    const key = step.to === undefined ? one.id : `${one.id}.${step.to}`;
    const port = host.ports[key];
    assert.ok(port !== undefined, `${target.name} has no app ${key}\n${host.stderr()}`);
    sent.push(...(await sendStep(step, { port, secure: target.framework === 'https' })));
  }
  return sent;
}

async function sendStep(step: Step, to: Destination): Promise<Sent[]> {
  if (step.repeat === undefined) return [await sendOnce(step, to, 0)];
  const { count, together } = step.repeat;
  const options = { keepAlive: true, maxSockets: together ? count : 1 };
  const agent = to.secure ? new TlsAgent(options) : new Agent(options);
  try {
    const turns = Array.from({ length: count }, (_, turn) => turn);
    if (together) return await Promise.all(turns.map((turn) => sendOnce(step, { ...to, agent }, turn)));
    const sent: Sent[] = [];
    for (const turn of turns) sent.push(await sendOnce(step, { ...to, agent }, turn));
    return sent;
  } finally {
    agent.destroy();
  }
}

async function sendOnce(step: Step, to: Destination, turn: number): Promise<Sent> {
  const path = step.path.replaceAll('{i}', String(turn));
  const trace = step.bare === true ? null : newTrace();
  const reply = await exchange(to, { ...step, path }, trace);
  return { step, path, turn, port: to.port, trace, reply };
}
