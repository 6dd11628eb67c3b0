import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTraceparent, suppressedTraceparent, tracedTraceparent } from '../../../src/propagation/traceparent.js';
import { contextOfLongId, W3cContext } from '../../../src/propagation/w3c-context.js';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';

describe('traceparent', () => {
  it('is read with its flags', () => {
    for (const [flags, isSampled, isRandom] of [
      ['00', false, false],
      ['01', true, false],
      ['02', false, true],
      ['03', true, true],
      ['ff', true, true],
    ] as const) {
      const context = readTraceparent(`00-${traceId}-${parentId}-${flags}`);
      assert.deepEqual(
        [context?.traceId, context?.parentId, context?.isSampled, context?.isRandom],
        [traceId, parentId, isSampled, isRandom],
        flags,
      );
    }
  });

  it('is read with blanks around it, and in later versions with further fields', () => {
    for (const header of [
      ` \t00-${traceId}-${parentId}-01 `,
      `cc-${traceId}-${parentId}-01`,
      `cc-${traceId}-${parentId}-01-more`,
      `01-${traceId}-${parentId}-01-`,
    ])
      assert.equal(readTraceparent(header)?.traceId, traceId, header);
  });

  const invalid = [
    '',
    '00',
    `00-${traceId}-${parentId}`,
    `00-${traceId}-${parentId}-01-more`,
    `01-${traceId}-${parentId}-01more`,
    `ff-${traceId}-${parentId}-01`,
    `00-${traceId.toUpperCase()}-${parentId}-01`,
    `00-${'0'.repeat(32)}-${parentId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${parentId}-0x`,
    `00_${traceId}_${parentId}_01`,
    `\n00-${traceId}-${parentId}-01`,
  ];
  for (const header of invalid)
    it(`${JSON.stringify(header)} is ignored`, () => assert.equal(readTraceparent(header), null));
});

describe('traceparent of a call', () => {
  const ids = { next: () => 'aaaaaaaaaaaaaaaa' };
  const trace = '8448eb211c80319c';
  const span = '00f067aa0ba902b7';
  const received = (flags: number): W3cContext => new W3cContext(traceId, parentId, flags);

  it('has the trace id that arrived, or ours padded to 32 digits', () => {
    assert.equal(tracedTraceparent(trace, span, null), `00-0000000000000000${trace}-${span}-03`);
    assert.equal(
      tracedTraceparent(trace, span, new W3cContext(null, null, 0)),
      `00-0000000000000000${trace}-${span}-03`,
    );
    assert.equal(tracedTraceparent(trace, span, received(1)), `00-${traceId}-${span}-01`);
    assert.equal(tracedTraceparent(trace, span, received(3)), `00-${traceId}-${span}-03`);
    assert.equal(tracedTraceparent(trace, span, received(0)), `00-${traceId}-${span}-01`);
    assert.equal(tracedTraceparent(trace, span, contextOfLongId(traceId)), `00-${traceId}-${span}-03`);
  });

  it('that is suppressed changes the parent id only with the flags', () => {
    assert.equal(suppressedTraceparent(received(0), ids), `00-${traceId}-${parentId}-00`);
    assert.equal(suppressedTraceparent(received(2), ids), `00-${traceId}-${parentId}-02`);
    assert.equal(suppressedTraceparent(received(1), ids), `00-${traceId}-aaaaaaaaaaaaaaaa-00`);
    assert.equal(suppressedTraceparent(received(3), ids), `00-${traceId}-aaaaaaaaaaaaaaaa-02`);
  });

  it('that is suppressed has new ids if none arrived', () => {
    for (const w3c of [null, new W3cContext(null, null, 0), contextOfLongId(traceId)])
      assert.equal(suppressedTraceparent(w3c, ids), '00-0000000000000000aaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaa-02');
  });
});
