import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorStack, errorText } from '../../../src/spans/error-text.js';

const fail = (): never => {
  throw new Error('trap');
};

describe('the text of an error', () => {
  it('is its name and message', () => {
    assert.equal(errorText(new TypeError('no')), 'TypeError: no');
    assert.equal(errorText(new Error('')), 'Error');
  });

  it('comes from the cause, then from details, message, code', () => {
    assert.equal(errorText(new Error('outer', { cause: new RangeError('inner') })), 'RangeError: inner');
    assert.equal(errorText(new Error('outer', { cause: 'text' })), 'Error: outer');
    assert.equal(errorText({ name: 'X', details: 'd', message: 'm', code: 'c' }), 'X: d');
    assert.equal(errorText({ name: 'X', message: 'm', code: 'c' }), 'X: m');
    assert.equal(errorText({ code: 'ECONNREFUSED' }), 'Error: ECONNREFUSED');
    assert.equal(errorText({ code: 7 }), 'Error: 7');
  });

  it('has at most 200 characters', () => {
    assert.equal(errorText(new Error('x'.repeat(1_000_000))).length, 200);
  });

  it('is cut without half of the credentials of a URL, encoded or not', () => {
    const filler = 'x'.repeat(175);
    assert.equal(errorText(new Error(`${filler} http://u:password@h/`)), `Error: ${filler} http://`);
    assert.equal(errorText(new Error(`${filler} h:%2F%2Fu:password%40h/`)), `Error: ${filler} h:%2F%2F`);
  });

  it('is there for whatever may be thrown', () => {
    assert.equal(errorText(null), 'null');
    assert.equal(errorText(undefined), 'undefined');
    assert.equal(errorText(7), '7');
    assert.equal(errorText('text'), 'text');
    assert.equal(errorText(Symbol('s')), 'Symbol(s)');
    assert.equal(errorText({}), 'Error');
    assert.equal(errorText(Object.freeze(new Error('frozen'))), 'Error: frozen');
    const hostile = new Proxy({}, { get: fail, getPrototypeOf: fail });
    assert.equal(errorText(hostile), 'Error that cannot be read');
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    assert.equal(errorText(proxy), 'Error that cannot be read');
    assert.equal(
      errorText(Object.defineProperty(new Error('x'), 'message', { get: fail })),
      'Error that cannot be read',
    );
  });
});

describe('the stack of an error', () => {
  it('is that of the cause when there is one', () => {
    const cause = new Error('inner');
    assert.equal(errorStack(new Error('outer', { cause })), cause.stack);
  });

  it('has no lines of the message, which may look like frames', () => {
    const text = errorStack(
      new TypeError('boom\n    at http://u:m@h/x (/a.js:1:1)\n    at login(password=m) (/b.js:2:2)'),
    );
    assert.match(String(text), /^\n {4}at .*error-text\.test/);
    const changed = new Error('a\n    at b (/a.js:1:1)');
    const { stack } = changed;
    changed.message = 'else\nelse';
    assert.equal(errorStack(changed), stack);
  });

  it('is null where there is none that can be read', () => {
    for (const error of [null, undefined, 'x', 7, {}, { stack: 7 }, new Proxy({}, { get: fail })]) {
      assert.equal(errorStack(error), null);
    }
    assert.equal(errorStack(Object.defineProperty(new Error('x'), 'stack', { get: fail })), null);
  });
});
