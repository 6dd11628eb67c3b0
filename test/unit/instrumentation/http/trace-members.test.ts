import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  isEmpty,
  mentionsTrace,
  TraceMembers,
  traceMember,
} from '../../../../src/instrumentation/http/trace-members.js';
import { assertLinearTime } from '../../../support/linear-time.js';

const traceId = '8448eb211c80319c';
const own = traceMember(traceId);

/** What is left of a value, and what was found in it. */
function cleaned(value: unknown, keepsOwn = true): [unknown, hasOwn: boolean, isChanged: boolean] {
  const members = new TraceMembers(traceId);
  const rest = members.clean(value, keepsOwn);
  return [rest, members.hasOwn, members.isChanged];
}

describe('members that name a trace', () => {
  it('are removed if they name another one', () => {
    assert.deepEqual(cleaned('a, intid;desc=1 , b'), ['a, b', false, true]);
    assert.deepEqual(cleaned('intid;desc=1'), ['', false, true]);
    assert.deepEqual(cleaned(['intid;desc=1', 'a']), [['a'], false, true]);
    assert.deepEqual(cleaned(['intid;desc=1']), [[], false, true]);
  });

  it('stay if they name this one, once', () => {
    assert.deepEqual(cleaned(`a, ${own}`), [`a, ${own}`, true, false]);
    assert.deepEqual(cleaned(`${own}, a, ${own};dur=1`), [`${own}, a`, true, true]);
    assert.deepEqual(cleaned(`a, ${own}`, false), ['a', false, true]);
  });

  it('are compared by the first description, in any notation', () => {
    for (const member of [
      `intid;desc="${traceId}"`,
      `intid;desc="\\8${traceId.slice(1)}"`,
      `intid ; dur=1 ; DESC = ${traceId} ; desc=1`,
      `intid;x="a;desc=1";desc=${traceId}`,
    ])
      assert.deepEqual(cleaned(member), [member, true, false]);
    for (const member of [
      `intid;desc=1;desc=${traceId}`,
      `intid;x=";desc=${traceId}"`,
      `intid;desc;desc=${traceId}`,
      `intid;desc=${traceId}0`,
      `intid;desc=0000000000000000${traceId}`,
      'intid;desc',
      'intid;',
      'intid;desc="',
    ])
      assert.deepEqual(cleaned(member), ['', false, true], member);
  });

  it('are no names in quoted strings, parameters and longer names', () => {
    for (const value of ['a;desc="x, intid;desc=1"', 'a;desc="\\", intid"', 'a;intid;desc=1', 'intids', 'my.intid', 7])
      assert.deepEqual(cleaned(value), [value, false, false]);
    // A quote begins a string only as the value of a parameter.
    assert.deepEqual(cleaned('a"b, intid;desc=1, c"'), ['a"b, c"', false, true]);
    assert.deepEqual(cleaned('a;b=c="d, intid;desc=1"'), ['a;b=c="d', false, true]);
  });

  it('leave the rest as it is, empty members as well', () => {
    assert.deepEqual(cleaned(',a,,  intid;desc=1,b ,'), [',a,,b ,', false, true]);
  });

  it('are not searched in a value that Node.js rejects', () => {
    const members = new TraceMembers(traceId);
    assert.equal(members.clean('intid;desc=1\n', true), 'intid;desc=1\n');
    assert.equal(members.isRejected, true);
  });

  it('are looked for where they are mentioned', () => {
    assert.deepEqual(
      ['a', 7, undefined, [], ['a', ['b']], 'INTID', ['a', ['intid']]].map((value) => mentionsTrace(value)),
      [false, false, false, false, false, true, true],
    );
    assert.deepEqual(
      ['', [], 'a', undefined, ['']].map((value) => isEmpty(value)),
      [true, true, false, false, false],
    );
  });

  it('are found in a time that grows with the length of the value', () => {
    for (const part of ['intid,', 'intid;desc="', 'a="', 'intid;desc="\\', 'intid ', ';', '='])
      assertLinearTime((length) => cleaned(`intid,${part.repeat(length / part.length)}`));
  });
});
