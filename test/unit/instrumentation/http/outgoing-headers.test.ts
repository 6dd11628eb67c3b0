import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inPairs, mergeTraceHeaders } from '../../../../src/instrumentation/http/outgoing-headers.js';
import { readTraceparent } from '../../../../src/propagation/traceparent.js';
import { readTracestate } from '../../../../src/propagation/tracestate.js';
import { suppressed } from '../../../../src/spans/active-span.js';
import { HttpAttributes, SpanRecord } from '../../../../src/spans/span.js';
import { ToolBox } from '../tool-box.js';

const traceId = '8448eb211c80319c';
const caller = 'b7ad6b7169203331';
const received = `00-0af7651916cd43dd${traceId}-${caller}-01`;
const box = new ToolBox();
const withoutW3c = new ToolBox({ tracing: { w3c: { write: false } } });
const untraced = new ToolBox({ tracing: { enabled: false } });

/** What goes out for a call inside a request that came with `traceparent`, when the application sets these headers. */
function sent(...given: string[]): Record<string, string[]> {
  return sentBy(box, ...given);
}

function sentBy(box: ToolBox, ...given: string[]): Record<string, string[]> {
  const w3c = readTraceparent(received);
  assert.ok(w3c !== null);
  readTracestate(w3c, 'congo=t61', 1);
  const span = new SpanRecord(
    'node.http.server',
    1,
    traceId,
    '00f067aa0ba902b7',
    caller,
    null,
    0,
    0,
    new HttpAttributes('GET', '/', null),
  );
  span.w3c = w3c;
  const headers: Record<string, string[]> = {};
  box.scope.apply(
    span,
    () => {
      const exit = box.tools.exitSpans.begin(span, 'GET', null, '/', sent);
      const { application, added } = mergeTraceHeaders(
        inPairs(given),
        box.tools.exitSpans.headers(exit) ?? [],
        box.tools.exitSpans,
        {},
      );
      for (const [name, value] of [...application, ...inPairs(added)]) {
        const key = String(name).toLowerCase();
        headers[key] = [...(headers[key] ?? []), String(value)];
      }
      box.tools.exitSpans.end(exit, true);
    },
    undefined,
    [],
  );
  return headers;
}

describe('trace headers that the application puts on a call', () => {
  const ours = /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/;

  it('are ours where it sets none', () => {
    const headers = sent('accept', '*/*');
    assert.deepEqual(headers['accept'], ['*/*']);
    assert.deepEqual(headers['x-instana-t'], [traceId]);
    assert.match(headers['traceparent']?.join() ?? '', ours);
    assert.match(headers['tracestate']?.join() ?? '', /^in=8448eb211c80319c;[0-9a-f]{16},congo=t61$/);
  });

  it('are ours where it hands on those of the request that it serves', () => {
    const headers = sent('Traceparent', received, 'tracestate', 'congo=t61', 'X-Instana-T', traceId);
    assert.match(headers['traceparent']?.join() ?? '', ours);
    assert.match(headers['tracestate']?.join() ?? '', /^in=[^,]*,congo=t61$/);
    assert.deepEqual(headers['x-instana-t'], [traceId]);
    assert.equal(headers['x-instana-s']?.length, 1);
  });

  it('stand where they are of another trace, whoever made that', () => {
    const other = '00-11111111111111111111111111111111-2222222222222222-01';
    const headers = sent('traceparent', other);
    assert.deepEqual(headers['traceparent'], [other]);
    assert.equal(headers['tracestate'], undefined);
    assert.deepEqual(headers['x-instana-t'], [traceId]);
    const injected = sent('x-instana-t', '1111111111111111', 'x-instana-s', '2222222222222222', 'x-instana-l', '1');
    assert.deepEqual(injected['x-instana-t'], ['1111111111111111']);
    assert.equal(injected['traceparent'], undefined);
  });

  it('stand where it only sets a part, or what nobody can read', () => {
    assert.deepEqual(sent('traceparent', 'mine')['traceparent'], ['mine']);
    const headers = sent('tracestate', 'mine=1');
    assert.deepEqual([headers['traceparent'], headers['tracestate']], [undefined, ['mine=1']]);
  });

  it('stand where we write none in their place', () => {
    const headers = sentBy(withoutW3c, 'traceparent', received, 'tracestate', 'congo=t61', 'x-instana-t', traceId);
    assert.deepEqual([headers['traceparent'], headers['tracestate']], [[received], ['congo=t61']]);
    assert.deepEqual(headers['x-instana-t'], [traceId]);
    assert.equal(headers['x-instana-s']?.length, 1);
  });

  it('are left to it altogether where tracing is off, below a span by hand as well', () => {
    const span = new SpanRecord('sdk', 1, traceId, caller, null, null, 0, 0, null);
    span.suppressed = true;
    const { exitSpans } = untraced.tools;
    untraced.scope.apply(
      span,
      () => {
        assert.equal(exitSpans.parent(), null);
        assert.equal(exitSpans.headersWithoutSpan(), null);
      },
      undefined,
      [],
    );
    untraced.scope.apply(suppressed, () => assert.equal(exitSpans.headersWithoutSpan(), null), undefined, []);
  });

  it('stand where they are signed', () => {
    const signature = 'AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host;traceparent, Signature=b';
    const headers = sent('Authorization', signature, 'traceparent', received);
    assert.deepEqual(headers['traceparent'], [received]);
    assert.equal(headers['x-instana-t'], undefined);
  });
});
