// One trace through neighbours of every kind: the official sensor, ours, and a service that knows W3C only.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { WireSpan } from '../../../../src/protocol/wire-span.js';
import { ToolBox } from '../tool-box.js';

type Carrier = Readonly<Record<string, string>>;

/** A service with our sensor: its spans of one request, and what it sends on with the one call that it makes. */
function ours(carrier: Carrier, code: object = {}): { entry: WireSpan | null; exit: WireSpan | null; sent: Carrier } {
  const box = new ToolBox(code);
  const { entrySpans, exitSpans, activeSpan } = box.tools;
  const req = new IncomingMessage(new Socket());
  req.method = 'GET';
  req.url = '/';
  req.rawHeaders = Object.entries(carrier).flat();
  const res = new ServerResponse(req);
  const active = entrySpans.begin(req, res);
  assert.ok(active !== null);
  const sent = activeSpan.apply(
    active,
    function call(): readonly string[] {
      const parent = exitSpans.parent();
      if (parent === null) return exitSpans.headersWithoutSpan() ?? [];
      const span = exitSpans.begin(parent, 'GET', 'http://next', '/', call);
      const headers = exitSpans.headers(span) ?? [];
      exitSpans.end(span, true);
      return headers;
    },
    undefined,
    [],
  );
  entrySpans.end(res, false);
  const spans = box.spans();
  return {
    entry: spans.find(({ k }) => k === 1) ?? null,
    exit: spans.find(({ k }) => k === 2) ?? null,
    sent: Object.fromEntries(sent.flatMap((name, index) => (index % 2 === 0 ? [[name, sent[index + 1] ?? '']] : []))),
  };
}

/** What the official sensor sends from a trace of its own. */
function official(traceId: string): Carrier {
  const spanId = randomBytes(8).toString('hex');
  return {
    'X-INSTANA-T': traceId,
    'X-INSTANA-S': spanId,
    'X-INSTANA-L': '1',
    traceparent: `00-${traceId.padStart(32, '0')}-${spanId}-03`,
    tracestate: `in=${traceId};${spanId}`,
  };
}

/** A service that knows W3C only hands on the trace as its own span, with its own member in front. */
function w3cOnly(carrier: Carrier): { carrier: Carrier; spanId: string } {
  const [, traceId = '', , flags = ''] = (carrier['traceparent'] ?? '').split('-');
  const spanId = randomBytes(8).toString('hex');
  const before = carrier['tracestate'];
  const tracestate = before === undefined ? `other=${spanId}` : `other=${spanId},${before}`;
  return { carrier: { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate }, spanId };
}

describe('a chain of the official sensor, ours, a service that knows W3C only, and ours again', () => {
  it('is one trace, in which each span has the one before as its parent', () => {
    const traceId = randomBytes(8).toString('hex');
    const start = official(traceId);
    const first = ours(start);
    assert.deepEqual([first.entry?.t, first.entry?.p], [traceId, start['X-INSTANA-S']]);
    assert.deepEqual([first.entry?.tp, first.entry?.lt, first.entry?.ia], [undefined, undefined, undefined]);
    assert.deepEqual([first.exit?.t, first.exit?.p], [traceId, first.entry?.s]);
    assert.equal(first.sent['tracestate'], `in=${traceId};${first.exit?.s}`);

    const between = w3cOnly(first.sent);
    const second = ours(between.carrier);
    assert.deepEqual([second.entry?.t, second.entry?.p], [traceId, between.spanId]);
    assert.equal(second.entry?.tp, true);
    assert.equal(second.entry?.lt, traceId.padStart(32, '0'));
    assert.deepEqual(second.entry?.ia, { t: traceId, p: first.exit?.s });
    assert.equal(second.sent['X-INSTANA-T'], traceId);
    assert.equal(second.sent['tracestate'], `in=${traceId};${second.exit?.s},other=${between.spanId}`);
    for (const { sent, exit } of [first, second])
      assert.equal(sent['traceparent'], `00-${traceId.padStart(32, '0')}-${exit?.s}-03`);
  });

  it('is one trace by the id of 128 bits that somebody before them began', () => {
    const long = randomBytes(16).toString('hex');
    const start = { traceparent: `00-${long}-${randomBytes(8).toString('hex')}-01`, tracestate: 'far=1' };
    const first = ours(start);
    const between = w3cOnly(first.sent);
    const second = ours(between.carrier);
    for (const { entry, exit, sent } of [first, second]) {
      assert.deepEqual([entry?.t, entry?.lt, exit?.t, exit?.lt], [long.slice(16), long, long.slice(16), undefined]);
      assert.equal(sent['traceparent'], `00-${long}-${exit?.s}-01`);
    }
    assert.equal(second.sent['tracestate'], `in=${long.slice(16)};${second.exit?.s},other=${between.spanId},far=1`);
  });

  it('stays without spans to its end when its caller wants none', () => {
    const start = { ...official(randomBytes(8).toString('hex')), 'X-INSTANA-L': '0' };
    const first = ours(start);
    assert.deepEqual([first.entry, first.sent['X-INSTANA-L'], first.sent['X-INSTANA-T']], [null, '0', undefined]);
    const between = w3cOnly(first.sent);
    const second = ours(between.carrier);
    assert.equal(second.entry, null);
    assert.deepEqual(Object.keys(second.sent).sort(), ['X-INSTANA-L', 'traceparent', 'tracestate']);
    assert.equal(second.sent['traceparent'], between.carrier['traceparent']);
    assert.equal(second.sent['tracestate'], between.carrier['tracestate']);
  });

  it('is joined by our own member alone where traceparent is not followed', () => {
    const code = { tracing: { w3c: { read: false } } };
    const traceId = randomBytes(8).toString('hex');
    const first = ours(official(traceId), code);
    const between = w3cOnly(first.sent);
    const second = ours(between.carrier, code);
    assert.deepEqual([second.entry?.t, second.entry?.p], [traceId, first.exit?.s]);
    assert.deepEqual([second.entry?.tp, second.entry?.lt, second.entry?.ia], [undefined, undefined, undefined]);
  });

  it('ends at a service that sends no W3C headers', () => {
    const code = { tracing: { w3c: { write: false } } };
    const carrier = { ...w3cOnly(official(randomBytes(8).toString('hex'))).carrier, baggage: 'a=1' };
    assert.deepEqual(Object.keys(ours(carrier, code).sent), ['X-INSTANA-T', 'X-INSTANA-S', 'X-INSTANA-L']);
    assert.deepEqual(ours({ ...carrier, 'X-INSTANA-L': '0' }, code).sent, { 'X-INSTANA-L': '0' });
    assert.deepEqual(ours({}, code).entry?.p, undefined);
  });

  it('is a trace of its own for a page load, and that of the page where it sends W3C headers', () => {
    const level = { 'X-INSTANA-L': '1,correlationType=web;correlationId=abc' };
    const { traceparent = '' } = official(randomBytes(8).toString('hex'));
    const alone = ours({ ...official('1234567890abcdef'), traceparent: '', ...level }).entry;
    assert.notEqual(alone?.t, '1234567890abcdef');
    assert.deepEqual([alone?.p, alone?.crid, alone?.tp], [undefined, 'abc', undefined]);
    const joined = ours({ ...level, traceparent }).entry;
    assert.deepEqual([joined?.t, joined?.p], [traceparent.slice(19, 35), traceparent.slice(36, 52)]);
    assert.deepEqual([joined?.crtp, joined?.crid, joined?.tp], ['web', 'abc', true]);
    const notFollowed = ours({ ...level, traceparent }, { tracing: { w3c: { read: false } } }).entry;
    assert.deepEqual([notFollowed?.p, notFollowed?.tp, notFollowed?.crid], [undefined, undefined, 'abc']);
  });
});
