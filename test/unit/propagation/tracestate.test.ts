import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTracestate, tracedTracestate } from '../../../src/propagation/tracestate.js';
import { W3cContext } from '../../../src/propagation/w3c-context.js';

function read(text: string, lines = 1): W3cContext {
  const context = new W3cContext('0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331', 1);
  readTracestate(context, text, lines);
  return context;
}

/** Members of so many characters each, all with different keys. */
const sized = (count: number, length: number, first = 0): string =>
  Array.from({ length: count }, (_, index) => `k${first + index}=`.padEnd(length, 'v')).join();
const listOf = (count: number): string => Array.from({ length: count }, (_, index) => `k${index}=1`).join();

const own = 'in=fa2375d711a4ca0f;02468acefdb97531';
const around = (count: number, place: number): string => listOf(count).split(',').toSpliced(place, 0, own).join();

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

  const keys = {
    'ends with an at sign': 'foo@',
    'has two at signs in a row': 'foo@@bar',
    'has two at signs apart': 'foo@bar@baz',
    'is a digit and at signs': '1@@',
    'has a dash after its at sign': 't@-s',
    'has 242 characters before its at sign': `${'t'.repeat(242)}@v`,
    'has 15 characters after its at sign': `t@${'v'.repeat(15)}`,
    'has 256 characters, the last of them an at sign': `${'t'.repeat(255)}@`,
    'has every character that is allowed': 'abcdefghijklmnopqrstuvwxyz0123456789_-*/@',
  };
  for (const [what, key] of Object.entries(keys))
    it(`keeps a member whose key ${what}`, () => {
      const context = read(`a=1,${key}=2,in=1;2,b=3`);
      assert.equal(context.otherMembers, `a=1,${key}=2,b=3`);
      assert.equal(context.tracestate, `a=1,${key}=2,in=1;2,b=3`);
    });

  for (const key of ['@', '@foo', '@@foo', '_@foo', 'foo@Bar', 'foo @bar', `${'t'.repeat(256)}@`])
    it(`is empty if a key is ${key.slice(0, 20)}`, () => {
      const context = read(`a=1,${key}=2,in=1;2,b=3`);
      assert.deepEqual([context.tracestate, context.otherMembers], ['', '']);
      assert.equal(context.ancestorTraceId, '0000000000000001');
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

  it('has 32 members as they came', () => {
    for (const list of [listOf(32), sized(32, 100), around(31, 0), around(31, 16), around(31, 31)])
      for (const lines of [1, 2]) assert.equal(read(list, lines).tracestate, list);
  });

  it('keeps 31 members of 128 characters', () => {
    const list = sized(31, 128);
    assert.equal(list.length, 31 * 129 - 1);
    assert.deepEqual([read(list).tracestate, read(list).otherMembers], [list, list]);
  });

  it('keeps 4,096 characters, and loses a long member for one more', () => {
    const last = 'last='.padEnd(76, 'v');
    const whole = `${sized(20, 200)},${last}`;
    assert.equal(whole.length, 4096);
    assert.deepEqual([read(whole).tracestate, read(whole).otherMembers], [whole, whole]);
    assert.equal(read(`${whole}v`).tracestate, `${sized(19, 200)},${last}v`);
  });

  it('has at most 4,096 characters: members of more than 128 go first, the last one before the others', () => {
    const short = sized(4, 128);
    assert.equal(read(`${short},${sized(20, 250, 4)},end=1`).tracestate, `${short},${sized(14, 250, 4)},end=1`);
    assert.equal(read(`${sized(20, 250, 4)},${short}`).tracestate, `${sized(14, 250, 4)},${short}`);
    assert.equal(read(`in=1;2,${sized(20, 250, 4)},${short}`).otherMembers, `${sized(14, 250, 4)},${short}`);
  });

  it('drops a member of 129 characters before shorter ones, and one of 128 only from the end', () => {
    const [start, end] = [sized(30, 128), sized(1, 100, 60)];
    assert.equal(read(`${start},${sized(1, 129, 40)},${end}`).tracestate, `${start},${end}`);
    assert.equal(read(`${start},${sized(1, 128, 40)},${end}`).tracestate, `${start},${sized(1, 128, 40)}`);
  });

  it('drops from the end where no member is long', () => {
    assert.equal(read(sized(32, 128)).tracestate, sized(31, 128));
    assert.equal(read(sized(32, 128)).otherMembers, sized(31, 128));
  });
});

describe('tracestate of a call', () => {
  for (const [what, list, lines] of [
    ['31 members', listOf(31), 1],
    ['32 members in one header', listOf(32), 1],
    ['32 members in two headers', listOf(32), 2],
    ['33 members in one header', listOf(33), 1],
    ['our member before 31', around(31, 0), 1],
    ['our member after 31', around(31, 31), 1],
    ['our member before 32', around(32, 0), 1],
    ['our member among 32', around(32, 16), 1],
    ['our member after 32', around(32, 32), 1],
    ['our member among 31 in two headers', around(31, 16), 2],
    ['a key again behind 32 members', `${listOf(32)},k0=2`, 1],
  ] as const)
    it(`has our member before 31 of those that came, if there came ${what}`, () => {
      assert.equal(tracedTracestate('t', 's', read(list, lines)), `in=t;s,${listOf(31)}`);
    });

  it('has our member before 31 long ones of 32 in one header', () => {
    assert.equal(tracedTracestate('t', 's', read(sized(32, 128))), `in=t;s,${sized(31, 128)}`);
  });

  it('has the member of Instana before the others', () => {
    assert.equal(tracedTracestate('t', 's', null), 'in=t;s');
    assert.equal(tracedTracestate('t', 's', read('')), 'in=t;s');
    assert.equal(tracedTracestate('t', 's', read('congo=t61,in=1;2')), 'in=t;s,congo=t61');
  });
});
