import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SpanContext } from 'opentracing';
import type { InstanaSpan } from '../../../src/opentracing/opentracing-span.js';
import { InstanaSpanContext, withBaggageItem } from '../../../src/opentracing/span-context.js';
import { W3cContext } from '../../../src/propagation/w3c-context.js';
import { Fixture } from '../spans/fixtures.js';

describe('a span context', () => {
  it("is one of OpenTracing's, with its ids", () => {
    const context = new InstanaSpanContext('3e1c069e1648ca50', '0aae15f0d1722012', false, null);
    assert.ok(context instanceof SpanContext);
    assert.deepEqual([context.toTraceId(), context.toSpanId()], ['3e1c069e1648ca50', '0aae15f0d1722012']);
    assert.equal(context.w3c, null);
  });

  it('is taken from a span as it is at that moment', () => {
    const span = new Fixture().tracer.startSpan('job') as InstanaSpan; // the tracer's own
    const { record } = span;
    record.suppressed = true;
    record.baggage = { a: '1' };
    record.w3c = new W3cContext(null, null, 0);
    const { traceId, spanId, suppressed, baggage, w3c } = span.context() as InstanaSpanContext; // likewise
    record.suppressed = false;
    assert.deepEqual([traceId, spanId, suppressed], [record.traceId, record.spanId, true]);
    assert.deepEqual([baggage, w3c], [{ a: '1' }, record.w3c]);
  });
});

describe('an item of baggage', () => {
  it('is added to a copy', () => {
    const before = { a: '1' };
    assert.deepEqual(withBaggageItem(before, 'b', '2'), { a: '1', b: '2' });
    assert.deepEqual(before, { a: '1' });
    assert.deepEqual(withBaggageItem(null, 'a', '1'), { a: '1' });
  });

  it('replaces one of the same key, even if there are as many as allowed', () => {
    const full = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`k${index}`, '1']));
    assert.equal(withBaggageItem(full, 'k7', '2')?.['k7'], '2');
    assert.equal(withBaggageItem(full, 'more', '1'), null);
  });

  it('is refused if keys and values together exceed 8,192 characters', () => {
    const before = { a: 'x'.repeat(4095) };
    assert.notEqual(withBaggageItem(before, 'b', 'x'.repeat(4095)), null);
    assert.equal(withBaggageItem(before, 'b', 'x'.repeat(4096)), null);
    assert.notEqual(withBaggageItem(before, 'a', 'x'.repeat(8191)), null);
  });
});
