// Spans of OTLP/JSON in the form in which they are stored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSpans } from '../../../../src/devtools/otlp/read-spans.js';
import type { WireSpan } from '../../../../src/protocol/wire-span.js';
import { attributes, clientSpan, serverSpan, traceId, tracesDocument } from '../otlp-documents.js';

function read(span: unknown): { span: WireSpan | undefined; reason: string } {
  const rejected = { count: 0, reason: '' };
  const [resource] = readSpans(tracesDocument({ 'process.pid': 7 }, [span]), rejected);
  return { span: resource?.spans[0], reason: rejected.reason };
}

test('converts ids, times, kind and process', () => {
  const { span } = read(clientSpan());
  const { data, ...head } = span ?? ({} as WireSpan); // an absent span fails the next line
  assert.deepEqual(head, {
    t: traceId.slice(16),
    lt: traceId,
    s: '00f067aa0ba902b8',
    p: '00f067aa0ba902b7',
    n: 'otel',
    k: 2,
    f: { e: '7' },
    ts: 1_700_000_000_005,
    d: 12,
    ec: 1,
  });
  assert.equal(data['operation'], 'GET');
});

test('maps every kind, and an unknown one to internal', () => {
  const spans = [0, 1, 2, 3, 4, 5, 6].map((kind) => read(serverSpan({ kind })).span);
  assert.deepEqual(
    spans.map((span) => [span?.k, span?.data['kind']]),
    [
      [3, 'internal'],
      [3, 'internal'],
      [1, 'server'],
      [2, 'client'],
      [2, 'producer'],
      [1, 'consumer'],
      [3, 'internal'],
    ],
  );
});

test('identifies the trace by its first digits if the last 16 are zero', () => {
  const { span } = read(serverSpan({ traceId: '4bf92f3577b34da60000000000000000' }));
  assert.equal(span?.t, '4bf92f3577b34da6');
});

test('takes an end before the start, or none, as no duration', () => {
  assert.equal(read(serverSpan({ endTimeUnixNano: '1000000' })).span?.d, 0);
  assert.equal(read(serverSpan({ endTimeUnixNano: undefined })).span?.d, 0);
});

test('explains why a span is invalid', () => {
  assert.match(read(serverSpan({ traceId: 'x' })).reason, /traceId of 32/);
  assert.match(read(serverSpan({ spanId: '0'.repeat(16) })).reason, /spanId of 16/);
  assert.match(read(serverSpan({ startTimeUnixNano: '0' })).reason, /startTimeUnixNano/);
});

test('has no HTTP section without a method, and the path or URL by kind', () => {
  assert.equal(read(serverSpan({ attributes: attributes({ 'url.path': '/a' }) })).span?.data.http, undefined);
  const tags = attributes({ 'http.request.method': 'GET', 'url.path': '/a', 'url.full': 'http://h/a?b=c' });
  assert.equal(read(serverSpan({ attributes: tags })).span?.data.http?.url, '/a');
  assert.equal(read(clientSpan({ attributes: tags })).span?.data.http?.url, 'http://h/a');
});
