// What is read from spans of any sensor.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configuredService,
  detailOf,
  errorTextOf,
  hasError,
  normalId,
  operationOf,
  pathOf,
  type ReceivedSpan,
  readSpan,
  spanKind,
  statusOf,
} from '../../../../src/devtools/store/received-span.js';
import type { WireSpan } from '../../../../src/protocol/wire-span.js';
import { wireSpan } from '../support.js';

function read(parts: Readonly<Record<string, unknown>>): ReceivedSpan | null {
  return readSpan({ ...wireSpan(), ...parts }, 7, 100, 1);
}

function span(parts: Readonly<Record<string, unknown>>): WireSpan {
  const received = read(parts);
  assert.ok(received !== null);
  return received.span;
}

test('brings ids into 16 digits, signed numbers too', () => {
  const cases: [unknown, string | null][] = [
    ['00000000000000ab', '00000000000000ab'],
    ['AB', '00000000000000ab'],
    ['0123456789abcdef0123456789abcdee', '0123456789abcdee'],
    [-1, 'ffffffffffffffff'],
    ['not hex', null],
    ['custom-id', 'custom-id'],
    [1.5, null],
    [null, null],
  ];
  for (const [value, id] of cases) assert.equal(normalId(value), id, String(value));
});

test('accepts a span only with ids, name and times', () => {
  assert.deepEqual([read({})?.id, read({})?.parentId], ['00000000000000bb', null]);
  for (const wrong of [{ t: null }, { s: {} }, { n: 7 }, { ts: -1 }, { ts: 1e300 }, { d: '5' }, { data: [] }]) {
    assert.equal(read(wrong), null, JSON.stringify(wrong));
  }
  for (const value of [null, 7, 'x', []]) assert.equal(readSpan(value, 1, 1, 1), null);
});

test('takes the pid from the span, else from the path of the request', () => {
  assert.equal(read({ f: { e: '4711' } })?.pid, 4711);
  assert.equal(read({ f: { e: 4712 } })?.pid, 4712);
  assert.equal(read({ f: { e: 'pod/a' } })?.pid, 'pod/a');
  for (const f of [undefined, null, {}, { e: '' }, { e: 1.5 }]) assert.equal(read({ f })?.pid, 7);
});

test('reads the kind from k, from the type of the operation, or from the name', () => {
  const cases: [Record<string, unknown>, 1 | 2 | 3][] = [
    [{ k: 2 }, 2],
    [{ k: undefined, data: { sdk: { type: 'entry' } } }, 1],
    [{ k: undefined, data: { kind: 'client' } }, 2],
    [{ k: 9, n: 'wsgi' }, 1],
    [{ k: undefined, n: 'urllib3' }, 2],
    [{ k: undefined, n: 'sdk' }, 3],
  ];
  for (const [parts, kind] of cases) assert.equal(spanKind(span(parts)), kind, JSON.stringify(parts));
});

test('names the operation by template, path, method, SDK name or span name', () => {
  const http = { method: 'GET', path_tpl: '/a/:id', url: '/a/7', status: '404' };
  assert.equal(operationOf(span({ data: { http } })), 'GET /a/:id');
  assert.equal(operationOf(span({ data: { http: { ...http, path_tpl: '' } } })), 'GET /a/7');
  assert.equal(operationOf(span({ data: { http: { method: 'PUT' } } })), 'PUT');
  assert.equal(operationOf(span({ data: { sdk: { name: 'job' } } })), 'job');
  assert.equal(operationOf(span({ data: { operation: 'work' } })), 'work');
  assert.equal(operationOf(span({ data: {}, n: 'redis' })), 'redis');
  assert.deepEqual([pathOf(span({ data: { http } })), statusOf(span({ data: { http } }))], ['/a/7', '404']);
  assert.equal(statusOf(span({ data: { http: { status: 200 } } })), '200');
  assert.deepEqual([pathOf(span({ data: {} })), statusOf(span({ data: { http: [] } }))], [null, null]);
});

test('finds the text of an error in a section, in the details of OpenTelemetry, or in the tags of an SDK span', () => {
  assert.equal(errorTextOf(span({ data: { redis: { error: 'down' } } })), 'down');
  assert.equal(errorTextOf(span({ data: { error_detail: 'late' } })), 'late');
  const sdk = { custom: { tags: { message: 'declined' } } };
  assert.equal(errorTextOf(span({ ec: 1, data: { sdk } })), 'declined');
  assert.equal(errorTextOf(span({ ec: 0, data: { sdk } })), null);
  assert.deepEqual(
    [hasError(span({ ec: 2 })), hasError(span({ ec: 0 })), hasError(span({ ec: '1' }))],
    [true, false, false],
  );
});

test('describes a call by what it does and where', () => {
  assert.equal(detailOf(span({ data: { redis: { connection: 'r:6379', command: 'get' } } })), 'get r:6379');
  assert.equal(detailOf(span({ data: { x: 7, log: { level: 'warn', message: 'full' } } })), 'warn full');
  assert.equal(detailOf(span({ data: { x: {} } })), null);
});

test('reads the configured service name', () => {
  assert.equal(configuredService(span({ data: { service: 'shop' } })), 'shop');
  for (const service of ['', 7, undefined]) assert.equal(configuredService(span({ data: { service } })), null);
});
