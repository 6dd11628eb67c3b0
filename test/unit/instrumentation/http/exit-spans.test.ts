import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HttpExitSpans } from '../../../../src/instrumentation/http/exit-spans.js';
import { W3cContext } from '../../../../src/propagation/w3c-context.js';
import { Suppressed } from '../../../../src/spans/active-span.js';
import { HttpAttributes, SpanRecord } from '../../../../src/spans/span.js';
import { ToolBox } from '../tool-box.js';

const traceId = '8448eb211c80319c';
const spanId = '00f067aa0ba902b7';
const callerId = 'b7ad6b7169203331';

function entry(): SpanRecord {
  const http = new HttpAttributes('GET', '/', null);
  return new SpanRecord('node.http.server', 1, traceId, spanId, callerId, null, 0, 0, http);
}

function begin(exitSpans: HttpExitSpans, parent = entry()): SpanRecord {
  return exitSpans.begin(parent, 'POST', 'http://a:1', '/b?c=1', begin);
}

/** Runs `fn` with `active` as the active span. */
function inside<Result>(
  box: ToolBox,
  active: SpanRecord | Suppressed,
  fn: (exitSpans: HttpExitSpans) => Result,
): Result {
  return box.scope.apply(active, () => fn(box.tools.exitSpans), undefined, []);
}

describe('the parent of a call', () => {
  it('is the active span', () => {
    const span = entry();
    assert.equal(
      inside(new ToolBox(), span, (exitSpans) => exitSpans.parent()),
      span,
    );
  });

  it('is none outside a span, in an exit, in a suppressed span and with tracing off', () => {
    assert.equal(new ToolBox().tools.exitSpans.parent(), null);
    const exit = new SpanRecord('sdk', 2, traceId, spanId, null, null, 0, 0, null);
    const suppressed = entry();
    suppressed.suppressed = true;
    for (const active of [exit, suppressed, new Suppressed(null)])
      assert.equal(
        inside(new ToolBox(), active, (exitSpans) => exitSpans.parent()),
        null,
      );
    const off = new ToolBox({ tracing: { enabled: false } });
    assert.equal(
      inside(off, entry(), (exitSpans) => exitSpans.parent()),
      null,
    );
  });
});

describe('the begin of a call', () => {
  it('patches what was loaded without a hook noticing, before the next call', () => {
    const box = new ToolBox();
    begin(box.tools.exitSpans);
    assert.equal(box.patches, 1);
  });
});

describe('headers of a call', () => {
  it('are those of both families, with the baggage that arrived', () => {
    const { exitSpans } = new ToolBox().tools;
    const span = entry();
    span.w3c = new W3cContext('0af7651916cd43dd8448eb211c80319c', callerId, 1);
    span.w3c.otherMembers = 'congo=t61';
    span.w3c.baggage = 'a=1';
    assert.deepEqual(exitSpans.headers(span), [
      'X-INSTANA-T',
      traceId,
      'X-INSTANA-S',
      spanId,
      'X-INSTANA-L',
      '1',
      'traceparent',
      `00-0af7651916cd43dd8448eb211c80319c-${spanId}-01`,
      'tracestate',
      `in=${traceId};${spanId},congo=t61`,
      'baggage',
      'a=1',
    ]);
    span.w3c.baggage = '';
    assert.equal(exitSpans.headers(span)?.length, 10);
    span.w3c = null;
    assert.equal(exitSpans.headers(span)?.[7], `00-0000000000000000${traceId}-${spanId}-03`);
  });

  it('are X-INSTANA only if W3C headers are not to be written', () => {
    const { exitSpans } = new ToolBox({ tracing: { w3c: { write: false } } }).tools;
    assert.deepEqual(exitSpans.headers(entry()), ['X-INSTANA-T', traceId, 'X-INSTANA-S', spanId, 'X-INSTANA-L', '1']);
    const suppressed = entry();
    suppressed.suppressed = true;
    assert.deepEqual(exitSpans.headers(suppressed), ['X-INSTANA-L', '0']);
  });

  it('are the level and what is to be forwarded if the span is suppressed', () => {
    const { exitSpans } = new ToolBox().tools;
    const span = entry();
    span.suppressed = true;
    span.w3c = new W3cContext('0af7651916cd43dd8448eb211c80319c', callerId, 0);
    span.w3c.tracestate = 'congo=t61';
    span.w3c.baggage = 'a=1';
    assert.deepEqual(exitSpans.headers(span), [
      'X-INSTANA-L',
      '0',
      'traceparent',
      `00-0af7651916cd43dd8448eb211c80319c-${callerId}-00`,
      'tracestate',
      'congo=t61',
      'baggage',
      'a=1',
    ]);
  });

  it('are none for an ignored span without a caller', () => {
    const span = new SpanRecord('node.http.server', 1, traceId, '', null, null, 0, 0, null);
    assert.equal(new ToolBox().tools.exitSpans.headers(span), null);
  });

  it('without a span are those of the active exit, the level where it is suppressed, or none', () => {
    const box = new ToolBox();
    const exit = new SpanRecord('sdk', 2, traceId, spanId, null, null, 0, 0, null);
    assert.equal(inside(box, exit, (exitSpans) => exitSpans.headersWithoutSpan())?.[1], traceId);
    const w3c = new W3cContext(null, null, 0);
    w3c.baggage = 'a=1';
    const suppressed = inside(box, new Suppressed(w3c), (exitSpans) => exitSpans.headersWithoutSpan());
    assert.deepEqual(suppressed?.slice(0, 3), ['X-INSTANA-L', '0', 'traceparent']);
    assert.deepEqual(suppressed?.slice(-2), ['baggage', 'a=1']);
    assert.equal(box.tools.exitSpans.headersWithoutSpan(), null);
  });
});

describe('trace headers of the application', () => {
  const isSet = (context: { trace?: string; span?: string; level?: string }, active = entry()): boolean =>
    inside(new ToolBox(), active, (exitSpans) => exitSpans.isSetByApplication(context));

  it('count if they name another trace or another span of this one, or level 0', () => {
    assert.equal(isSet({ level: ' 0 ' }), true);
    assert.equal(isSet({ trace: '1111111111111111', span: '2222222222222222' }), true);
    assert.equal(isSet({ trace: traceId, span: '2222222222222222' }), true);
  });

  it('do not count if they are those of the request being served, or incomplete', () => {
    assert.equal(isSet({ trace: traceId, span: callerId }), false);
    assert.equal(isSet({ trace: `0af7651916cd43dd${traceId}`, span: callerId }), false);
    assert.equal(isSet({ trace: traceId, span: spanId }), false);
    assert.equal(isSet({ trace: '1111111111111111' }), false);
    assert.equal(isSet({ trace: 'none', span: '1' }), false);
    assert.equal(isSet({ trace: '1'.repeat(16), span: '2'.repeat(16), level: '1,correlationType=web' }), false);
    assert.equal(new ToolBox().tools.exitSpans.isSetByApplication({ level: '0' }), false);
  });

  it('count in a manual span only if they name another trace', () => {
    const manual = new SpanRecord('sdk', 3, traceId, spanId, callerId, null, 0, 0, null);
    assert.equal(isSet({ trace: traceId, span: '2222222222222222' }, manual), false);
    assert.equal(isSet({ trace: '1111111111111111', span: '2222222222222222' }, manual), true);
  });

  it('as a traceparent count unless it is that of the request being served', () => {
    const span = entry();
    span.w3c = new W3cContext('0af7651916cd43dd8448eb211c80319c', callerId, 1);
    const isParentSet = (value: string | undefined): boolean =>
      inside(new ToolBox(), span, (exitSpans) => exitSpans.isTraceparentSetByApplication(value));
    assert.equal(isParentSet(`00-0af7651916cd43dd8448eb211c80319c-${callerId}-01`), false);
    assert.equal(isParentSet(`00-0af7651916cd43dd8448eb211c80319c-${spanId}-01`), true);
    assert.equal(isParentSet(`00-11111111111111111111111111111111-${callerId}-01`), true);
    assert.equal(isParentSet('not valid'), true);
    assert.equal(isParentSet(undefined), true);
  });
});

describe('an exit span', () => {
  it('is a child of its parent, with a stack that begins at the caller', () => {
    const box = new ToolBox();
    const { exitSpans } = box.tools;
    const span = begin(exitSpans);
    exitSpans.responded(span, 200);
    exitSpans.end(span, true);
    const [sent] = box.spans();
    assert.deepEqual([sent?.n, sent?.k, sent?.t, sent?.p, sent?.ec], ['node.http.client', 2, traceId, spanId, 0]);
    assert.deepEqual(sent?.data.http, { method: 'POST', url: 'http://a:1/b', params: 'c=1', status: 200 });
    assert.match(sent?.stack?.[0]?.c ?? '', /exit-spans\.test/);
    assert.notEqual(sent?.stack?.[0]?.m, 'begin');
  });

  it('has no stack if stacks are switched off', () => {
    const box = new ToolBox({ tracing: { stackTrace: 'error' } });
    box.tools.exitSpans.end(begin(box.tools.exitSpans), true);
    assert.deepEqual(box.spans()[0]?.stack, []);
  });

  for (const [code, status, isError] of [
    [{}, 399, 0],
    [{}, 404, 0],
    [{}, 500, 1],
    [{ tracing: { httpExit: { classifyAll4xxAsErrors: true } } }, 404, 1],
    [{ tracing: { httpExit: { classifyAsErrors: [401] } } }, 401, 1],
    [{ tracing: { httpExit: { classifyAsErrors: [401] } } }, 404, 0],
  ] as const) {
    it(`with status ${status} has ${isError} errors by ${JSON.stringify(code)}`, () => {
      const box = new ToolBox(code);
      const span = begin(box.tools.exitSpans);
      box.tools.exitSpans.responded(span, status);
      box.tools.exitSpans.end(span, true);
      assert.deepEqual([box.spans()[0]?.ec, span.durationMs >= 0], [isError, true]);
    });
  }

  for (const [error, text] of [
    [new TypeError('bad'), 'TypeError: bad'],
    [{ name: 'AbortError' }, 'Request aborted'],
    [{ name: 'TimeoutError' }, 'Timeout exceeded, request aborted'],
    [Object.assign(new Error('x'), { cause: { name: 'TimeoutError' } }), 'Timeout exceeded, request aborted'],
  ] as const) {
    it(`that fails says ${text}`, () => {
      const box = new ToolBox();
      box.tools.exitSpans.fail(begin(box.tools.exitSpans), error);
      const [sent] = box.spans();
      assert.deepEqual([sent?.ec, sent?.data.http?.error], [1, text]);
    });
  }

  it('keeps its first error, and ends once', () => {
    const box = new ToolBox();
    const span = begin(box.tools.exitSpans);
    box.tools.exitSpans.setError(span, 'first');
    box.tools.exitSpans.fail(span, new Error('second'));
    box.tools.exitSpans.fail(span, new Error('third'));
    box.tools.exitSpans.setError(span, 'fourth');
    const spans = box.spans();
    assert.deepEqual([spans.length, spans[0]?.data.http?.error], [1, 'first']);
  });

  it('lasts until the head of a response that is not consumed', async () => {
    const box = new ToolBox();
    const span = begin(box.tools.exitSpans);
    box.tools.exitSpans.responded(span, 200);
    const headMs = (span.http?.headTick ?? 0) - span.startTick;
    await new Promise((resolve) => setTimeout(resolve, 20));
    box.tools.exitSpans.end(span, false);
    assert.equal(span.durationMs, headMs);
  });

  it('captures the configured headers while it is open', () => {
    const box = new ToolBox({ tracing: { extraHttpHeaders: ['x-a'] } });
    const { exitSpans } = box.tools;
    assert.equal(exitSpans.capturesHeaders, true);
    const span = begin(exitSpans);
    exitSpans.capture(span, (name) => `value of ${name}`);
    exitSpans.end(span, true);
    exitSpans.capture(span, () => assert.fail('not asked'));
    assert.deepEqual(box.spans()[0]?.data.http?.header, { 'x-a': 'value of x-a' });
  });
});
