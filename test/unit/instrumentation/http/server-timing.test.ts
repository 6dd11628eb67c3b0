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
    ['the pair', [{ 'Server-Timing': 'a, INTID;desc=1' }], ['Server-Timing: a, INTID;desc=1']],
    ['the pair in a list of values', [{ 'Server-Timing': ['intid;desc=1'] }], ['Server-Timing: intid;desc=1']],
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
