import assert from 'node:assert/strict';
import { it } from 'node:test';
import { contextOfLongId, randomFlag, sampledFlag, W3cContext } from '../../../src/propagation/w3c-context.js';

const traceId = '0af7651916cd43dd8448eb211c80319c';

it('a W3C context reads its flags one by one and starts without lists', () => {
  const context = new W3cContext(traceId, 'b7ad6b7169203331', sampledFlag);
  assert.deepEqual(
    { ...context },
    {
      traceId,
      parentId: 'b7ad6b7169203331',
      isSampled: true,
      isRandom: false,
      tracestate: '',
      otherMembers: '',
      ancestorTraceId: null,
      ancestorSpanId: null,
      baggage: '',
    },
  );
  assert.deepEqual(
    [new W3cContext(null, null, randomFlag).isSampled, new W3cContext(null, null, 0).isRandom],
    [false, false],
  );
});

it('the context of a long id of X-INSTANA is sampled and random, and has no parent', () => {
  const { traceId: id, parentId, isSampled, isRandom } = contextOfLongId(traceId);
  assert.deepEqual([id, parentId, isSampled, isRandom], [traceId, null, true, true]);
});
