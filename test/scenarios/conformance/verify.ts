// Compares what a sensor recorded of one request with what its step asks for.
import assert from 'node:assert/strict';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import type { Reply, TraceIds } from '../../support/exchange.js';
import type { OneOf, Step } from './case.js';

/** One request that was sent. */
export interface Sent {
  readonly step: Step;
  readonly path: string;
  readonly turn: number;
  readonly port: number;
  readonly trace: TraceIds | null;
  readonly reply: Reply;
}

/** Spans that belong to a request: by the trace id the test chose, else by the path. */
export function spansOf(sent: Sent, spans: readonly WireSpan[]): WireSpan[] {
  if (sent.trace !== null) return spans.filter(({ t }) => t === sent.trace?.t);
  const entry = spans.find(
    (span) => span.data.http?.url === sent.path && span.data.http.host?.endsWith(`:${sent.port}`),
  );
  return entry === undefined ? [] : spans.filter(({ t }) => t === entry.t);
}

/** Least number of spans to wait for. */
export function expectedCount({ step }: Sent): number {
  const entries = typeof step.entries === 'object' ? step.entries[0] : (step.entries ?? 1);
  return entries + (step.exits?.length ?? 0);
}

/** Throws an assertion error when the app itself, without any sensor, does not do what the case is about. */
export function verifyReply({ step, reply }: Sent, label: string): void {
  const expected = step.status === undefined ? 200 : step.status;
  assert.equal(reply.status, expected, `${label}: status of the reply (${reply.failure ?? reply.body.slice(0, 300)})`);
  const { replyBody } = step;
  if (typeof replyBody === 'string') assert.equal(reply.body, replyBody, `${label}: body`);
  if (replyBody instanceof RegExp) assert.match(reply.body, replyBody, `${label}: body`);
  if (step.minSpreadMs !== undefined) {
    assert.ok(reply.spreadMs >= step.minSpreadMs, `${label}: body came within ${reply.spreadMs} ms`);
  }
}

/** Throws an assertion error when the reply does not name the trace of the request, once. */
export function verifyTiming({ step, reply, trace }: Sent, label: string): void {
  const pairs = reply.headers
    .filter(([name]) => name.toLowerCase() === 'server-timing')
    .flatMap(([, value]) => value.split(',').map((pair) => pair.trim()))
    .filter((pair) => pair.startsWith('intid'));
  // Where the status of the span is another, Node.js answered in place of the application.
  if (reply.status === null || step.spanStatus !== undefined || typeof step.entries === 'object') return;
  assert.equal(pairs.length, step.entries === 0 ? 0 : 1, `${label}: ${pairs.join() || 'nothing'} in Server-Timing`);
  if (trace !== null && pairs.length > 0) assert.equal(pairs[0], `intid;desc=${trace.t}`, `${label}: Server-Timing`);
}

/** Throws an assertion error when the spans of the request are not those of its step. */
export function verifySpans(
  sent: Sent,
  spans: readonly WireSpan[],
  facts: { pid: number; downstreamUrl: string },
): void {
  const { step, path, trace, port } = sent;
  const label = `${step.method ?? 'GET'} ${path.slice(0, 80)}${step.to === undefined ? '' : ` (${step.to})`}`;
  const entries = spans.filter(({ k }) => k === 1);
  const [least, most] = typeof step.entries === 'object' ? step.entries : [step.entries ?? 1, step.entries ?? 1];
  assert.ok(
    entries.length >= least && entries.length <= most,
    `${label}: ${entries.length} entry spans instead of ${least === most ? least : `${least} to ${most}`}`,
  );
  const [entry] = entries;
  if (entry === undefined) return;

  const http = entry.data.http ?? {};
  assert.equal(entry.n, 'node.http.server', `${label}: name`);
  assert.equal(entry.f?.e, String(facts.pid), `${label}: entity id`);
  if (trace === null) assert.match(entry.t, /^[0-9a-f]{16}$/, `${label}: trace id`);
  assert.equal(entry.p, trace?.s, `${label}: parent`);
  assert.ok(Number.isInteger(entry.d) && entry.d >= (step.minDurationMs ?? 0), `${label}: duration ${entry.d}`);
  assert.equal(http.method, step.method ?? 'GET', `${label}: method`);
  same(http.url, step.url ?? path.split('?')[0], `${label}: url`);
  assert.equal(http.params, step.params, `${label}: params`);
  if (step.raw === undefined || step.host !== undefined) {
    assert.equal(http.host, step.host ?? step.headers?.['Host'] ?? `127.0.0.1:${port}`, `${label}: host`);
  }
  const status = step.spanStatus === undefined ? (step.status === undefined ? 200 : step.status) : step.spanStatus;
  same(http.status, status ?? undefined, `${label}: status`);
  same(http.path_tpl, step.tpl, `${label}: path_tpl`);
  same(http.error, step.error, `${label}: error`);
  assert.ok((http.error?.length ?? 0) <= 200, `${label}: error text is ${http.error?.length} characters long`);
  assert.equal(entry.ec, step.ec ?? ((http.status ?? 0) >= 500 ? 1 : 0), `${label}: ec`);
  const unfinished = entry.data.sdk?.custom?.tags?.['unfinished'];
  assert.equal(unfinished, step.unfinished === true ? true : undefined, `${label}: unfinished`);

  const exits = spans.filter(({ n }) => n === 'node.http.client');
  const wanted = (step.exits ?? []).map((exit) => facts.downstreamUrl + exit.replaceAll('{i}', String(sent.turn)));
  assert.deepEqual(exits.map((exit) => exit.data.http?.url).sort(), wanted.sort(), `${label}: exit spans`);
  for (const exit of exits) assert.equal(exit.p, entry.s, `${label}: parent of the exit span`);
}

/** Asserts that a value is the expected one, matches it, or is one of those listed. */
export function same<T extends string | number>(
  actual: T | undefined,
  expected: OneOf<T | RegExp> | undefined,
  label: string,
): void {
  const allowed: readonly (T | RegExp | undefined)[] = isList(expected) ? expected : [expected];
  const found = allowed.some((one) => (one instanceof RegExp ? one.test(String(actual ?? '')) : one === actual));
  const list = allowed.map((one) => (one === undefined ? 'absent' : String(one))).join(' or ');
  assert.ok(found, `${label}: ${actual ?? 'absent'} instead of ${list}`);
}

function isList<T>(value: OneOf<T> | undefined): value is readonly (T | undefined)[] {
  return Array.isArray(value);
}
