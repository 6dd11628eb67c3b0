import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BatchBuffer } from '../../src/tracing/batch-buffer.js';
import { EncodedSpans } from '../../src/tracing/encoded-spans.js';

const maximum = 50;

/** What a batch of so many would be. */
function written(spans: EncodedSpans, count: number, bytes: number): { count: number; text: string } {
  const batch = new BatchBuffer();
  const taken = spans.copyTo(batch, count, bytes, (group, index) => `${index}${group}=`);
  return { count: taken, text: batch.bytes().toString('utf8') };
}

describe('encoded spans', () => {
  it('are what a list of texts would be, whatever comes and goes', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.nat({ max: 40_000 }).map((length) => 'x日'.repeat(length)),
    );
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ push: text, group: fc.constantFrom('', 'a', 'ü') }) },
      { weight: 1, arbitrary: fc.record({ shift: fc.nat({ max: 60 }) }) },
      { weight: 1, arbitrary: fc.record({ count: fc.nat({ max: 60 }), bytes: fc.nat({ max: 200_000 }) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const spans = new EncodedSpans(maximum);
        let model: { bytes: Buffer; group: string }[] = [];
        for (const step of steps) {
          if ('push' in step) {
            if (model.length === maximum) continue;
            spans.push(step.push, step.group);
            model.push({ bytes: Buffer.from(step.push), group: step.group });
          } else if ('shift' in step) {
            spans.shift(step.shift);
            model = model.slice(step.shift);
          } else {
            const expected: { bytes: Buffer; group: string }[] = [];
            let length = 0;
            for (const span of model.slice(0, step.count)) {
              if (length >= step.bytes) break;
              expected.push(span);
              length += span.bytes.length;
            }
            assert.deepEqual(written(spans, step.count, step.bytes), {
              count: expected.length,
              text: expected.map(({ bytes, group }, index) => `${index}${group}=${bytes.toString('utf8')}`).join(''),
            });
          }
          assert.equal(spans.count, model.length);
          assert.equal(
            spans.bytes,
            model.reduce((sum, { bytes }) => sum + bytes.length, 0),
          );
        }
      }),
    );
  });

  it('give their memory back', () => {
    const spans = new EncodedSpans(5000);
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 5000; index++) spans.push('x'.repeat(1000), '');
      const used = process.memoryUsage().arrayBuffers - before;
      assert.ok(used < 30_000_000, `${used}`); // buffers that were replaced may wait to be collected
      spans.shift(5000);
    }
    assert.equal(spans.bytes, 0);
  });
});
