import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  captureHeader,
  captureHeaders,
  capturesHeaders,
  valuesInList,
} from '../../../../src/instrumentation/http/captured-headers.js';
import { HttpAttributes } from '../../../../src/spans/span.js';
import { configOf } from '../tool-box.js';

const attributes = (): HttpAttributes => new HttpAttributes('GET', '/', null);

describe('captured headers', () => {
  it('are those that the option names, in lower case', () => {
    const config = configOf({ tracing: { extraHttpHeaders: ['X-A', 'x-b', 'x-missing'] } });
    const http = attributes();
    const asked: string[] = [];
    captureHeaders(config, http, (name) => {
      asked.push(name);
      return { 'x-a': '1', 'x-b': 2 }[name];
    });
    assert.deepEqual(asked, ['x-a', 'x-b', 'x-missing']);
    assert.deepEqual({ ...http.headers }, { 'x-a': '1', 'x-b': '2' });
  });

  it('are none unless the option names some', () => {
    assert.equal(capturesHeaders(configOf()), false);
    assert.equal(capturesHeaders(configOf({ tracing: { extraHttpHeaders: ['x-a'] } })), true);
  });

  it('have one text each: of a number, of several values, and of at most 4,096 characters', () => {
    const http = attributes();
    captureHeader(http, 'number', 7);
    captureHeader(http, 'list', ['a', 'b']);
    captureHeader(http, 'long', 'x'.repeat(5000));
    captureHeader(http, 'replaced', '1');
    captureHeader(http, 'replaced', '2');
    captureHeader(http, 'kept', '1');
    captureHeader(http, 'kept', undefined);
    captureHeader(http, 'kept', null);
    const { long, ...others } = http.headers ?? {};
    assert.equal(long, 'x'.repeat(4096));
    assert.deepEqual(others, { number: '7', list: 'a, b', replaced: '2', kept: '1' });
  });

  it('may have any name', () => {
    const http = attributes();
    captureHeader(http, '__proto__', '1');
    assert.deepEqual(Object.keys(http.headers ?? {}), ['__proto__']);
  });

  it('make no object where there are none', () => {
    const http = attributes();
    captureHeader(http, 'x', undefined);
    assert.equal(http.headers, null);
  });
});

describe('values in a flat list of headers', () => {
  it('are found in any case, all of them', () => {
    assert.deepEqual(valuesInList(['A', '1', 'b', '2', 'a', ['3', '4']], 'a'), ['1', '3', '4']);
    assert.equal(valuesInList(['A', '1'], 'c'), undefined);
    assert.equal(valuesInList([], 'a'), undefined);
  });

  it('are only those that follow a name', () => {
    assert.equal(valuesInList(['x', 'a', 'a'], 'a'), undefined);
    assert.deepEqual(valuesInList([Buffer.from('a'), '1', 7, '2'], 'a'), ['1']);
    assert.deepEqual(valuesInList([7, '2'], '7'), ['2']);
  });
});
