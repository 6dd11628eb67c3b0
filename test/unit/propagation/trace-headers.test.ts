import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { headerFamily, headersToAdd, TraceHeaderReader } from '../../../src/propagation/trace-headers.js';

function read(...raw: string[]): TraceHeaderReader {
  const reader = new TraceHeaderReader();
  reader.read(raw);
  return reader;
}

const t = '84e588b697868fee';
const s = '5e734f51bce69eca';

describe('trace headers', () => {
  it('are read in any spelling', () => {
    for (const [nameT, nameS] of [
      ['X-INSTANA-T', 'X-INSTANA-S'],
      ['x-instana-t', 'x-instana-s'],
      ['X-Instana-T', 'x-INSTANA-s'],
    ] as const) {
      const { traceId, spanId } = read('Host', 'a', nameT, t, 'Accept', '*/*', nameS, s);
      assert.deepEqual([traceId, spanId], [t, s]);
    }
  });

  it('keep all 32 digits of a long trace id, and 16 of a long span id', () => {
    const { traceId, spanId } = read('X-INSTANA-T', `0123456789abcdef${t}`, 'X-INSTANA-S', `0123456789abcdef${s}`);
    assert.deepEqual([traceId, spanId], [`0123456789abcdef${t}`, s]);
  });

  it('are none when nothing but zeros is left of a long id', () => {
    assert.equal(read('X-INSTANA-T', `abc${'0'.repeat(16)}`, 'X-INSTANA-S', s).traceId, null);
    assert.equal(read('X-INSTANA-T', t, 'X-INSTANA-S', `1${'0'.repeat(16)}`).traceId, null);
  });

  it('count only together: T alone and S alone are nothing', () => {
    assert.equal(read('X-INSTANA-T', t).traceId, null);
    assert.equal(read('X-INSTANA-S', s).spanId, null);
    assert.equal(read('X-INSTANA-T', t, 'X-INSTANA-S', 'garbage').traceId, null);
  });

  it('that come twice contradict each other: none is believed', () => {
    assert.equal(read('X-INSTANA-T', t, 'X-INSTANA-T', s, 'X-INSTANA-S', s).traceId, null);
    assert.equal(read('X-INSTANA-T', t, 'X-INSTANA-S', s, 'X-INSTANA-S', s).traceId, null);
  });

  it('of one request do not leak into the next one', () => {
    const reader = new TraceHeaderReader();
    const correlated = '1,correlationType=web;correlationId=abc';
    reader.read([
      'Host',
      'a',
      'X-INSTANA-T',
      t,
      'X-INSTANA-S',
      s,
      'X-INSTANA-L',
      correlated,
      'X-INSTANA-SYNTHETIC',
      '1',
    ]);
    reader.read([]);
    const { traceId, spanId, suppressed, correlationType, correlationId, synthetic, host } = reader;
    assert.deepEqual(
      { traceId, spanId, suppressed, correlationType, correlationId, synthetic, host },
      {
        traceId: null,
        spanId: null,
        suppressed: false,
        correlationType: null,
        correlationId: null,
        synthetic: false,
        host: null,
      },
    );
  });

  it('do not throw for lists of odd length, of long names and of hostile values', () => {
    for (const raw of [
      ['X-INSTANA-T'],
      ['X-INSTANA-T', t, 'X-INSTANA-S'],
      ['__proto__', '1', 'constructor', '2'],
      ['x'.repeat(11), '1'],
      ['X-INSTANA-T', '"><script>', 'X-INSTANA-S', '\u0000'],
      ['X-INSTANA-L', ','.repeat(6000)],
      ['X-INSTANA-L', ';='.repeat(600)],
    ]) {
      assert.doesNotThrow(() => new TraceHeaderReader().read(raw));
    }
  });
});

describe('the level header', () => {
  for (const value of ['0', ' 0', '0 ', '0,correlationType=web;correlationId=1', '0,junk']) {
    it(`${JSON.stringify(value)} suppresses`, () => assert.equal(read('X-INSTANA-L', value).suppressed, true));
  }
  for (const value of ['1', '2', 'true', '00', '0x', ',', '', '-0', '1,0']) {
    it(`${JSON.stringify(value)} does not suppress`, () => assert.equal(read('X-INSTANA-L', value).suppressed, false));
  }

  it('brings the correlation of a web page or a mobile app', () => {
    const web = read('X-INSTANA-L', '1,correlationType=web;correlationId=1234567890abcdef');
    assert.deepEqual([web.correlationType, web.correlationId], ['web', '1234567890abcdef']);
    const mobile = read('x-instana-l', '1, correlationType=mobile ; correlationId=1234567890abcdef ');
    assert.deepEqual([mobile.correlationType, mobile.correlationId], ['mobile', '1234567890abcdef']);
  });

  for (const value of [
    '1,correlationType=web',
    '1,correlationId=abc',
    '1,correlationType=web;correlationId=',
    '1,correlationType=<b>;correlationId=abc',
    '1,correlationType=web;correlationId="><script>',
    `1,correlationType=web;correlationId=${'a'.repeat(65)}`,
    `1,correlationType=web;correlationId=abc;${'x'.repeat(8000)}`,
    '0,correlationType=web;correlationId=abc',
  ]) {
    it(`${JSON.stringify(value.slice(0, 60))} brings no correlation`, () => {
      const { correlationType, correlationId } = read('X-INSTANA-L', value);
      assert.deepEqual([correlationType, correlationId], [null, null]);
    });
  }
});

it('the Host header is the first one of that name, in any case', () => {
  assert.equal(read('HOST', 'a:1', 'host', 'b').host, 'a:1');
  assert.equal(read('Host', '').host, '');
  assert.equal(read('Hosts', 'x').host, null);
});

it('only exactly 1 makes a request synthetic', () => {
  assert.equal(read('x-instana-synthetic', '1').synthetic, true);
  for (const value of ['true', '0', '', '11', ' 1']) assert.equal(read('x-instana-synthetic', value).synthetic, false);
});

it('the headers that are written are known in every spelling, and no others', () => {
  const ours = [
    'X-INSTANA-T',
    t,
    'X-INSTANA-S',
    s,
    'X-INSTANA-L',
    '1',
    'traceparent',
    'p',
    'tracestate',
    's',
    'baggage',
    'b',
  ];
  const left = (name: string): string => {
    const free = headersToAdd(ours, headerFamily(name));
    return free.filter((_, index) => index % 2 === 0).join();
  };
  const all = 'X-INSTANA-T,X-INSTANA-S,X-INSTANA-L,traceparent,tracestate,baggage';
  for (const name of ['X-INSTANA-T', 'x-instana-s', 'X-Instana-L']) assert.equal(left(name), 'baggage');
  for (const name of ['traceparent', 'TraceState'])
    assert.equal(left(name), 'X-INSTANA-T,X-INSTANA-S,X-INSTANA-L,baggage');
  assert.equal(left('BAGGAGE'), all.replace(',baggage', ''));
  for (const name of ['x-instana-x', 'x-instana', 'tracestates', 'referer', '', 'X-INSTANA-T ', 'x-instana-b'])
    assert.equal(left(name), all);
});

it('correlation data counts only behind level 1', () => {
  const data = 'correlationType=web;correlationId=abc';
  assert.equal(read('X-INSTANA-L', `1,${data}`).correlationId, 'abc');
  for (const level of ['2', '', '00', 'true', '0']) {
    assert.equal(read('X-INSTANA-L', `${level},${data}`).correlationId, null, level);
  }
});
