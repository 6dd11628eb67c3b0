import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { BatchBuffer } from '../../../src/spans/batch-buffer.js';
import { SpanBuffer } from '../../../src/spans/span-buffer.js';
import { waitUntil } from '../../support/agent/wait-until.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void; // what the flag above adds to new contexts
const maximum = 50;

/** What a batch of so many would be. */
function written(spans: SpanBuffer, count: number, bytes: number): { count: number; text: string } {
  const batch = new BatchBuffer();
  const taken = spans.copyTo(batch, count, bytes, (group, index) => `${index}${group}=`);
  return { count: taken, text: batch.bytes().toString('utf8') };
}

/** Buffers are given back some turns after the collection: long enough to show that one is not. */
async function collect(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await sleep(20);
  }
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
        const spans = new SpanBuffer(maximum);
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

  it('use the same memory again, and give it back when they are released', async () => {
    const spans = new SpanBuffer(5000);
    const used = (): number => process.memoryUsage().arrayBuffers - before;
    const collectedTo = (bytes: number): boolean => {
      collectGarbage();
      return used() < bytes;
    };
    await collect();
    const before = process.memoryUsage().arrayBuffers;
    const fill = (): void => {
      for (let index = 0; index < 5000; index++) spans.push('x'.repeat(1000), '');
      spans.shift(5000);
    };
    fill();
    await waitUntil(() => collectedTo(8_000_000), 'the end of smaller buffers');
    const once = used();
    assert.ok(once >= 5_000_000, `${once}`);
    for (let round = 0; round < 20; round++) fill();
    assert.ok(used() < once + 1_000_000, `${used()}`); // not even garbage
    spans.push('x', '');
    spans.release();
    await collect();
    assert.ok(used() >= 5_000_000, `${used()}`);
    spans.shift(1);
    spans.release();
    await waitUntil(() => collectedTo(1_000_000), 'the end of the buffer');
    assert.equal(spans.bytes, 0);
  });
});
