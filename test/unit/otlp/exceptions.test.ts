// Errors and logs as OTLP events.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorType, exceptionEvent, logEvents, nanoseconds } from '../../../src/otlp/exceptions.js';

test('a time has the digits that a double can hold, within 64 bits', () => {
  assert.equal(nanoseconds(1_700_000_000_000.25), '1700000000000250000');
  assert.equal(nanoseconds(-1), '0');
  assert.equal(nanoseconds(8.64e15), '18446744073709000000');
});

test('the type of an error is its code, else its name', () => {
  assert.equal(errorType('Error: connect ECONNREFUSED 127.0.0.1:9'), 'ECONNREFUSED');
  assert.equal(errorType('Error: UND_ERR_SOCKET other side closed'), 'UND_ERR_SOCKET');
  assert.equal(errorType('Timeout exceeded, request aborted'), 'timeout');
  assert.equal(errorType('TypeError: x'), 'TypeError');
  assert.equal(errorType('something else'), '_OTHER');
});

test('an exception has type, message and stack, where there are any', () => {
  assert.deepEqual(JSON.parse(exceptionEvent('RangeError: too far', '    at f (a.js:1)', 5)), {
    timeUnixNano: '5000000',
    name: 'exception',
    attributes: [
      { key: 'exception.type', value: { stringValue: 'RangeError' } },
      { key: 'exception.message', value: { stringValue: 'too far' } },
      { key: 'exception.stacktrace', value: { stringValue: 'RangeError: too far\n    at f (a.js:1)' } },
    ],
  });
  assert.deepEqual(JSON.parse(exceptionEvent('it is broken', '', 5)).attributes, [
    { key: 'exception.message', value: { stringValue: 'it is broken' } },
  ]);
});

test('logs are events by their time; a log without a time has that of the end', () => {
  const { json, hasException } = logEvents({ 7: { event: 'miss', size: 3 }, never: { note: 'n' } }, 9, '');
  assert.equal(hasException, false);
  assert.deepEqual(JSON.parse(`[${json}]`), [
    { timeUnixNano: '7000000', name: 'miss', attributes: [{ key: 'size', value: { intValue: '3' } }] },
    { timeUnixNano: '9000000', name: 'log', attributes: [{ key: 'note', value: { stringValue: 'n' } }] },
  ]);
});

test('a log of an error is an exception with the stack of the span', () => {
  const { json, hasException } = logEvents({ 7: { event: 'error', 'error.object': 'E: m' } }, 9, '    at f (a.js:1)');
  assert.equal(hasException, true);
  assert.deepEqual(JSON.parse(json).attributes, [
    { key: 'error.object', value: { stringValue: 'E: m' } },
    { key: 'exception.type', value: { stringValue: 'E' } },
    { key: 'exception.message', value: { stringValue: 'm' } },
    { key: 'exception.stacktrace', value: { stringValue: '    at f (a.js:1)' } },
  ]);
});

test('fields with names of object members are fields like any other', () => {
  const { json } = logEvents({ 7: { event: 'error', message: 'm', constructor: 'Foo', toString: 'Bar' } }, 9, '');
  assert.deepEqual(JSON.parse(json).attributes, [
    { key: 'exception.message', value: { stringValue: 'm' } },
    { key: 'constructor', value: { stringValue: 'Foo' } },
    { key: 'toString', value: { stringValue: 'Bar' } },
  ]);
});
