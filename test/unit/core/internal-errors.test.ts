// Our own errors: counted, logged once, and what becomes of an instrumentation that has many of them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';

function errorsWithLines(): { errors: InternalErrors; lines: string[] } {
  const lines: string[] = [];
  const write = (message: string): void => {
    lines.push(message);
  };
  return {
    errors: new InternalErrors(new Log('info', { debug: write, info: write, warn: write, error: write })),
    lines,
  };
}

describe('internal errors', () => {
  it('are counted by place, and logged once for each', () => {
    const { errors, lines } = errorsWithLines();
    for (let count = 0; count < 5; count++) errors.record('here', new TypeError('no'));
    errors.record('there', 'text');
    assert.deepEqual(errors.counts(), { here: 5, there: 1 });
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /here.*TypeError: no/);
  });

  it('in a callback do not reach the caller', () => {
    const { errors } = errorsWithLines();
    const seen: number[] = [];
    const callback = errors.quietly('timer', (value: number) => {
      seen.push(value);
      throw new Error('internal');
    });
    assert.doesNotThrow(() => callback(1));
    assert.doesNotThrow(() => callback(2));
    assert.deepEqual(seen, [1, 2]);
    assert.deepEqual(errors.counts(), { timer: 2 });
  });

  it('switch an instrumentation off for good after ten of them, and that is logged once', () => {
    const { errors, lines } = errorsWithLines();
    const breaker = errors.breaker('koa');
    for (let count = 0; count < 9; count++) breaker.record(new Error('x'));
    assert.equal(breaker.isOpen, false);
    breaker.record(new Error('x'));
    assert.equal(breaker.isOpen, true);
    for (let count = 0; count < 20; count++) breaker.record(new Error('x'));
    assert.equal(breaker.isOpen, true);
    assert.equal(lines.length, 2);
    assert.equal(errors.breaker('express').isOpen, false);
  });

  it('that cannot be described do not become new ones', () => {
    const { errors } = errorsWithLines();
    const hostile = new Error('x');
    Object.defineProperty(hostile, 'message', {
      get: () => {
        throw new Error('getter');
      },
    });
    const opaque: unknown[] = [hostile, null, undefined, Symbol('s'), Object.create(null), { toString: null }];
    for (const error of opaque) assert.doesNotThrow(() => errors.record('odd', error));
    assert.deepEqual(errors.counts(), { odd: opaque.length });
  });
});
