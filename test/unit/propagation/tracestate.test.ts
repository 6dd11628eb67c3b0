import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTracestate, tracedTracestate } from '../../../src/propagation/tracestate.js';
import { W3cContext } from '../../../src/propagation/w3c-context.js';

function read(text: string, lines = 1): W3cContext {
  const context = new W3cContext('0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331', 1);
  readTracestate(context, text, lines);
  return context;
}

const listOf = (count: number): string => Array.from({ length: count }, (_, index) => `k${index}=1`).join();

describe('tracestate', () => {
  it('keeps its members in order, without blanks and empty members', () => {
    const { tracestate, otherMembers } = read(' congo=t61 ,, rojo=00f067aa0ba902b7\t,');
    assert.equal(tracestate, 'congo=t61,rojo=00f067aa0ba902b7');
    assert.equal(otherMembers, tracestate);
  });

  it('has the ancestor in the member of Instana, which is not among the others', () => {
    const context = read('congo=t61,in=8448eb211c80319c;00f067aa0ba902b7,rojo=1');
    assert.deepEqual([context.ancestorTraceId, context.ancestorSpanId], ['8448eb211c80319c', '00f067aa0ba902b7']);
    assert.equal(context.tracestate, 'congo=t61,in=8448eb211c80319c;00f067aa0ba902b7,rojo=1');
    assert.equal(context.otherMembers, 'congo=t61,rojo=1');
  });

  it('reads the first member of Instana, in any case, and with short ids padded', () => {
    const context = read('IN=abc;1,in=8448eb211c80319c;00f067aa0ba902b7');
    assert.deepEqual([context.ancestorTraceId, context.ancestorSpanId], ['0000000000000abc', '0000000000000001']);
    assert.deepEqual([context.tracestate, context.otherMembers], ['', '']);
  });

  for (const member of ['in=', 'in=abc', 'in=abc;', 'in=;abc', 'in=x;y', 'in=0;1', `in=1;${'1'.repeat(17)}`])
    it(`has no ancestor in ${member}`, () => {
      const { ancestorTraceId, ancestorSpanId } = read(member);
      assert.deepEqual([ancestorTraceId, ancestorSpanId], [null, null]);
    });

  for (const member of ['A=1', 'a=', 'a=b=c', 'a=\u00e4', '=1', `${'a'.repeat(257)}=1`, `a=${'1'.repeat(257)}`, '-a=1'])
    it(`is empty if a member is ${member.slice(0, 20)}, and still has the ancestor`, () => {
      const context = read(`good=1,${member},in=1;2`);
      assert.deepEqual([context.tracestate, context.otherMembers], ['', '']);
      assert.equal(context.ancestorTraceId, '0000000000000001');
    });

  it('takes tenants with an at sign, each part within its length', () => {
    assert.equal(read(`${'t'.repeat(241)}@${'s'.repeat(14)}=1`).tracestate.length, 258);
    for (const key of [`${'t'.repeat(242)}@s`, `t@${'s'.repeat(15)}`, 't@', '@s', 't@-s'])
      assert.equal(read(`${key}=1`).tracestate, '', key);
  });

  it('has the first member of each key', () => {
    assert.equal(read('a=1,b=2,a=3').tracestate, 'a=1,b=2');
  });

  it('has at most 32 members in one line, and none if several lines have more', () => {
    assert.equal(read(listOf(32)).tracestate, listOf(32));
    assert.equal(read(listOf(32)).otherMembers, listOf(31));
    assert.equal(read(listOf(40)).tracestate, listOf(32));
    assert.equal(read(listOf(32), 2).tracestate, listOf(32));
    assert.equal(read(listOf(33), 2).tracestate, '');
  });

  it('has at most 512 characters: long members go first, then the last ones', () => {
    const long = `long=${'x'.repeat(200)}`;
    const short = Array.from({ length: 5 }, (_, index) => `k${index}=${'y'.repeat(100)}`);
    assert.equal(read([short[0], long, ...short.slice(1, 4)].join()).tracestate, short.slice(0, 4).join());
    assert.equal(read(short.join()).tracestate, short.slice(0, 4).join());
  });
});

describe('tracestate of a call', () => {
  it('has the member of Instana before the others', () => {
    assert.equal(tracedTracestate('t', 's', null), 'in=t;s');
    assert.equal(tracedTracestate('t', 's', read('')), 'in=t;s');
    assert.equal(tracedTracestate('t', 's', read('congo=t61,in=1;2')), 'in=t;s,congo=t61');
  });
});
