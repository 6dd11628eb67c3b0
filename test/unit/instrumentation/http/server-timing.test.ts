import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { serverTiming } from '../../../../src/instrumentation/http/server-timing.js';
import type { HostFunction } from '../../../../src/instrumentation/wrap-method.js';
import { ToolBox } from '../tool-box.js';

type Head = (status: unknown, ...rest: unknown[]) => unknown;

/** A response of a traced request, with a `writeHead` that is wrapped. */
class Response {
  readonly box: ToolBox;
  readonly res: ServerResponse;
  readonly traceId: string;

  constructor(code: object = {}, isTraced = true) {
    this.box = new ToolBox(code);
    const req = new IncomingMessage(new Socket());
    this.res = new ServerResponse(req);
    const span = isTraced ? this.box.tools.entrySpans.begin(req, this.res) : null;
    this.traceId = span !== null && 'traceId' in span ? span.traceId : 'none';
    // The wrapper has the type of every host function.
    const { writeHead } = ServerResponse.prototype;
    this.res.writeHead = serverTiming(this.box.tools)(writeHead as HostFunction) as typeof writeHead;
  }

  /** Writes a head, and returns its lines after the first, without those that Node.js adds. */
  write(status: unknown, ...rest: unknown[]): string[] {
    (this.res.writeHead as Head)(status, ...rest);
    const { _header: head } = this.res as { _header?: unknown }; // as Node.js keeps it
    const added = /^(?:Date|Connection|Keep-Alive|Transfer-Encoding|Content-Length): /;
    return String(head)
      .split('\r\n')
      .slice(1)
      .filter((line) => line !== '' && !added.test(line))
      .map((line) => line.replace(this.traceId, '<id>'));
  }
}

const pair = 'intid;desc=<id>';
const line = `Server-Timing: ${pair}`;

describe('Server-Timing without headers that were set before', () => {
  const rows: readonly (readonly [form: string, rest: readonly unknown[], lines: readonly string[]])[] = [
    ['no headers', [], [line]],
    ['a reason', ['Fine'], [line]],
    ['an object', [{ a: '1' }], ['a: 1', line]],
    ['a reason and an object', ['Fine', { a: '1' }], ['a: 1', line]],
    [
      'an object with inherited members',
      [Object.create({ b: '2' }, { a: { value: '1', enumerable: true } })],
      ['a: 1', line],
    ],
    ['a flat list', [['a', '1']], ['a: 1', line]],
    ['pairs', [[['a', '1']]], ['a: 1', line]],
    ['undefined', [undefined], [line]],
    ['its own value, in any case', [{ 'server-timing': 'db;dur=1' }], [`server-timing: db;dur=1, ${pair}`]],
    ['its own value in a list', [['Server-Timing', 'db']], [`Server-Timing: db, ${pair}`]],
    ['its own value in pairs', [[['Server-Timing', 'db']]], [`Server-Timing: db, ${pair}`]],
    ['its own values', [{ 'Server-Timing': ['a', 'b'] }], ['Server-Timing: a', 'Server-Timing: b', line]],
    [
      'its own value twice',
      [['Server-Timing', 'a', 'server-timing', 'b']],
      ['Server-Timing: a', `server-timing: b, ${pair}`],
    ],
    ['an empty value', [{ 'Server-Timing': '' }], [line]],
    ['a number', [{ 'Server-Timing': 7 }], [`Server-Timing: 7, ${pair}`]],
  ];
  for (const [form, rest, lines] of rows)
    it(`is added to ${form}`, () => assert.deepEqual(new Response().write(200, ...rest), lines));

  it('changes no object of the application', () => {
    const headers = Object.freeze({ a: '1' });
    const list = Object.freeze(['a', '1']);
    const pairs = Object.freeze([Object.freeze(['a', '1'])]);
    for (const passed of [headers, list, pairs]) new Response().write(200, passed);
    assert.deepEqual([headers, list, pairs], [{ a: '1' }, ['a', '1'], [['a', '1']]]);
  });
});

describe('Server-Timing with headers that were set before', () => {
  it('is added to them', () => {
    const response = new Response();
    response.res.setHeader('X-A', '1');
    assert.deepEqual(response.write(200), ['X-A: 1', line]);
  });

  it('is added to the value that was set, in its spelling', () => {
    const response = new Response();
    response.res.setHeader('server-TIMING', 'db');
    assert.deepEqual(response.write(200), [`server-TIMING: db, ${pair}`]);
  });

  it('is added to the headers of the head', () => {
    const byObject = new Response();
    byObject.res.setHeader('X-A', '1');
    assert.deepEqual(byObject.write(200, { b: '2' }), ['X-A: 1', 'b: 2', line]);
    const byList = new Response();
    byList.res.setHeader('X-A', '1');
    assert.deepEqual(byList.write(200, ['b', '2']), ['X-A: 1', 'b: 2', line]);
  });

  it('is added to its value in the head, which replaces the one that was set', () => {
    const response = new Response();
    response.res.setHeader('Server-Timing', 'set');
    assert.deepEqual(response.write(200, { 'Server-Timing': 'written' }), [`Server-Timing: written, ${pair}`]);
    const kept = new Response();
    kept.res.setHeader('Server-Timing', 'set');
    assert.deepEqual(kept.write(200, { b: '1' }), [`Server-Timing: set, ${pair}`, 'b: 1']);
  });

  it('stays where it was with a raw list', () => {
    const response = new Response();
    response.res.setHeader('Server-Timing', 'set');
    response.res.setHeader('X-A', '1');
    assert.deepEqual(response.write(200, ['b', '2']), [`Server-Timing: set, ${pair}`, 'X-A: 1', 'b: 2']);
  });
});

const old = 'intid;desc=0123456789abcdef';
const own = 'intid;desc=OWN';

/** `OWN` in what is passed stands for the trace id of the request. */
function withTraceId(value: unknown, traceId: string): unknown {
  if (typeof value === 'string') return value.replaceAll('OWN', traceId);
  if (Array.isArray(value)) return value.map((item) => withTraceId(item, traceId));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withTraceId(item, traceId)]));
}

describe('Server-Timing of another trace', () => {
  const values: readonly (readonly [what: string, passed: unknown, lines: readonly string[]])[] = [
    ['alone', old, [line]],
    ['first', `${old}, db;dur=1`, [`Server-Timing: db;dur=1, ${pair}`]],
    ['last', `db;dur=1,${old}`, [`Server-Timing: db;dur=1, ${pair}`]],
    ['in the middle', `a;dur=1, ${old}, b;desc="x"`, [`Server-Timing: a;dur=1, b;desc="x", ${pair}`]],
    ['with more parameters', `a, ${old};dur=3;x=y, b`, [`Server-Timing: a, b, ${pair}`]],
    ['with the id in a later parameter', 'intid;dur=3;desc=0123456789abcdef', [line]],
    ['in quotes', 'a, intid;desc="0123456789abcdef"', [`Server-Timing: a, ${pair}`]],
    ['with blanks', 'a ,\t intid ; desc = 0123456789abcdef , b', [`Server-Timing: a , b, ${pair}`]],
    ['in capitals', 'a, INTID;DESC=1', [`Server-Timing: a, ${pair}`]],
    ['without an id', 'a, intid, intid;dur=1', [`Server-Timing: a, ${pair}`]],
    ['with text after the name', 'intid=1;desc=2, a', [`Server-Timing: a, ${pair}`]],
    ['several times', `${old}, a, intid;desc=2, b, intid;desc=3`, [`Server-Timing: a, b, ${pair}`]],
    ['before its own', `${old}, ${own}, a`, [`Server-Timing: ${pair}, a`]],
    ['after its own', `${own};dur=1, ${old}`, [`Server-Timing: ${pair};dur=1`]],
    ['in a list of values', ['a', old, 'b'], ['Server-Timing: a', 'Server-Timing: b', line]],
    ['in a list of values with others', ['a', `${old}, b`], ['Server-Timing: a', 'Server-Timing: b', line]],
    ['as the only value of a list', [old], [line]],
    ['in a list in a list', ['a', ['b', old]], ['Server-Timing: a', 'Server-Timing: b', line]],
    ['with a comma in a string before it', `a;desc="x, y", ${old}`, [`Server-Timing: a;desc="x, y", ${pair}`]],
  ];
  const kept: readonly (readonly [what: string, passed: unknown, lines: readonly string[]])[] = [
    ['its own pair', own, [line]],
    ['its own pair in quotes', 'a, intid;desc="OWN", b', ['Server-Timing: a, intid;desc="<id>", b']],
    ['its own pair with parameters', `${own};dur=1, a`, [`Server-Timing: ${pair};dur=1, a`]],
    ['its own pair in a list', ['a', own], ['Server-Timing: a', line]],
    ['a string with a pair in it', `db;desc="a, ${old}"`, [`Server-Timing: db;desc="a, ${old}", ${pair}`]],
    [
      'a string with escaped quotes and a pair in it',
      `db;desc="a\\", ${old}"`,
      [`Server-Timing: db;desc="a\\", ${old}", ${pair}`],
    ],
    ['longer names', 'intidb;desc=1, my-intid;desc=1', [`Server-Timing: intidb;desc=1, my-intid;desc=1, ${pair}`]],
    ['the name as a parameter', 'a;intid;desc=1, b;x=intid', [`Server-Timing: a;intid;desc=1, b;x=intid, ${pair}`]],
  ];
  const ways: readonly (readonly [way: string, write: (response: Response, value: unknown) => string[]])[] = [
    ['by an object', (response, value) => response.write(200, { 'Server-Timing': value })],
    ['by a raw list', (response, value) => response.write(200, ['Server-Timing', value])],
    ['by pairs', (response, value) => response.write(200, [['Server-Timing', value]])],
    [
      'before the head',
      (response, value) => {
        response.res.setHeader('Server-Timing', value as string[]);
        return response.write(200);
      },
    ],
    [
      'before the head, which names another header',
      (response, value) => {
        response.res.setHeader('Server-Timing', value as string[]);
        return response.write(200, { a: '1' }).filter((one) => one !== 'a: 1');
      },
    ],
    [
      'before the head, which has a raw list',
      (response, value) => {
        response.res.setHeader('Server-Timing', value as string[]);
        return response.write(200, ['a', '1']).filter((one) => one !== 'a: 1');
      },
    ],
    [
      'by an object, after another header was set',
      (response, value) => {
        response.res.setHeader('a', '1');
        return response.write(200, { 'Server-Timing': value }).filter((one) => one !== 'a: 1');
      },
    ],
  ];
  for (const [way, write] of ways) {
    for (const [what, passed, lines] of [...values, ...kept]) {
      it(`${values.some((row) => row[0] === what) ? 'is replaced' : 'stays'}: ${what}, ${way}`, () => {
        const response = new Response();
        assert.deepEqual(write(response, withTraceId(passed, response.traceId)), lines);
      });
    }
  }

  it('is replaced in several headers of any spelling', () => {
    const flat = ['Server-Timing', `${old}, a`, 'x', '1', 'server-timing', old, 'SERVER-TIMING', 'b'];
    const pairs = [flat.slice(0, 2), flat.slice(2, 4), flat.slice(4, 6), flat.slice(6)];
    const lines = ['Server-Timing: a', 'x: 1', `SERVER-TIMING: b, ${pair}`];
    assert.deepEqual(new Response().write(200, flat), lines);
    assert.deepEqual(new Response().write(200, pairs), lines);
    assert.deepEqual(new Response().write(200, { 'Server-Timing': `${old}, a`, 'server-timing': old }), [
      'Server-Timing: a',
      `server-timing: ${pair}`,
    ]);
  });

  it('is replaced if the last of several headers has nothing else', () => {
    const lines = ['Server-Timing: a', `server-timing: ${pair}`];
    assert.deepEqual(new Response().write(200, ['Server-Timing', 'a', 'server-timing', old]), lines);
  });

  it('is replaced in a raw list that replaces a header that was set', () => {
    const response = new Response();
    response.res.setHeader('Server-Timing', old);
    assert.deepEqual(response.write(200, ['Server-Timing', `${old}, a`]), [`Server-Timing: a, ${pair}`]);
  });

  it('is replaced if its own pair is in a header that Node.js may not write', () => {
    const response = new Response();
    response.res.setHeader('x', '1');
    const lines = response.write(200, ['Server-Timing', `intid;desc=${response.traceId}`, 'Server-Timing', 'a']);
    assert.deepEqual(lines, ['x: 1', `Server-Timing: a, ${pair}`]);
  });

  it('is replaced if it was appended', () => {
    const response = new Response();
    response.res.appendHeader('server-timing', 'a').appendHeader('Server-Timing', old);
    assert.deepEqual(response.write(200), ['server-timing: a', `server-timing: ${pair}`]);
  });

  it('is replaced with each response to which the same headers are passed, which are not modified', () => {
    const object = Object.freeze({ 'server-timing': Object.freeze(['a', old]) });
    const list = Object.freeze(['server-timing', `${old}, a`]);
    const pairs = Object.freeze([Object.freeze(['server-timing', old])]);
    for (const passed of [object, list, pairs, object, list, pairs]) {
      const lines = new Response().write(200, passed);
      assert.equal(lines.join().split('intid').length, 2);
      assert.match(lines.join(), /intid;desc=<id>$/);
    }
    assert.deepEqual(object, { 'server-timing': ['a', old] });
  });

  it('stays on the response of a request that is not traced', () => {
    const lines = new Response({}, false).write(200, { 'Server-Timing': old });
    assert.deepEqual(lines, [`Server-Timing: ${old}`]);
  });

  it('in a value that Node.js refuses is still refused', () => {
    for (const rest of [
      [{ 'Server-Timing': `${old}\n` }],
      [['Server-Timing', `${old}\n, a`]],
      [['Server-Timing', old, 'Server-Timing', undefined]],
    ])
      assert.throws(() => new Response().write(200, ...rest), /ERR_|Invalid|invalid/);
  });
});

describe('Server-Timing', () => {
  it('is not added to responses of requests that are not traced, and to informational ones', () => {
    assert.deepEqual(new Response({}, false).write(200, { a: '1' }), ['a: 1']);
    assert.deepEqual(new Response().write(102, { a: '1' }), ['a: 1']);
  });

  it('leaves arguments that Node.js refuses as they are', () => {
    for (const rest of [[['a']], [{ 'bad name': '1' }], [{ 'Server-Timing': undefined }]])
      assert.throws(() => new Response().write(200, ...rest), /ERR_|Invalid|invalid/);
    assert.throws(() => new Response().write('no status'), { code: 'ERR_HTTP_INVALID_STATUS_CODE' });
  });

  it('keeps the result of writeHead, which is the response', () => {
    const response = new Response();
    assert.equal((response.res.writeHead as Head)(204), response.res);
  });

  it('records the status that is written, and configured headers that are only written', () => {
    const response = new Response({ tracing: { extraHttpHeaders: ['x-a'] } });
    response.write(201, { 'X-A': '1' });
    response.box.tools.entrySpans.end(response.res, false);
    const [span] = response.box.spans();
    assert.deepEqual([span?.data.http?.status, span?.data.http?.header], [201, { 'x-a': '1' }]);
  });

  it('is left out after ten errors of our own, and the response is written all the same', () => {
    const box = new ToolBox();
    const entrySpans = new Proxy(box.tools.entrySpans, {
      get: () => {
        throw new Error('ours');
      },
    });
    const calls: unknown[][] = [];
    const wrapped = serverTiming({ ...box.tools, entrySpans })(((...args: unknown[]) => {
      calls.push(args);
      return 7;
    }) as HostFunction) as Head;
    for (let index = 0; index < 12; index++) assert.equal(wrapped.call({}, 200, 'OK'), 7);
    assert.deepEqual(calls[11], [200, 'OK']);
    assert.deepEqual(box.faults.counts(), { 'head of a response': 10 });
  });
});
