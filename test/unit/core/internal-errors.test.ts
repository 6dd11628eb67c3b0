import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';

function faultsWithLines(): { faults: InternalErrors; lines: string[] } {
  const lines: string[] = [];
  const write = (message: string): void => {
    lines.push(message);
  };
  return {
    faults: new InternalErrors(new Log('info', { debug: write, info: write, warn: write, error: write })),
    lines,
  };
}

describe('faults of ours', () => {
  it('are counted by place and told once of each', () => {
    const { faults, lines } = faultsWithLines();
    for (let count = 0; count < 5; count++) faults.record('here', new TypeError('no'));
    faults.record('there', 'text');
    assert.deepEqual(faults.counts(), { here: 5, there: 1 });
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /here.*TypeError: no/);
  });

  it('in a callback do not reach the caller', () => {
    const { faults } = faultsWithLines();
    const seen: number[] = [];
    const callback = faults.quietly('timer', (value: number) => {
      seen.push(value);
      throw new Error('ours');
    });
    assert.doesNotThrow(() => callback(1));
    assert.doesNotThrow(() => callback(2));
    assert.deepEqual(seen, [1, 2]);
    assert.deepEqual(faults.counts(), { timer: 2 });
  });

  it('switch an instrumentation off for good after ten of them, and that is told once', () => {
    const { faults, lines } = faultsWithLines();
    const guard = faults.breaker('koa');
    for (let count = 0; count < 9; count++) guard.record(new Error('x'));
    assert.equal(guard.isOpen, false);
    guard.record(new Error('x'));
    assert.equal(guard.isOpen, true);
    for (let count = 0; count < 20; count++) guard.record(new Error('x'));
    assert.equal(guard.isOpen, true);
    assert.equal(lines.length, 2);
    assert.equal(faults.breaker('express').isOpen, false);
  });

  it('that cannot be described do not become new ones', () => {
    const { faults } = faultsWithLines();
    const hostile = new Error('x');
    Object.defineProperty(hostile, 'message', {
      get: () => {
        throw new Error('getter');
      },
    });
    const opaque: unknown[] = [hostile, null, undefined, Symbol('s'), Object.create(null), { toString: null }];
    for (const error of opaque) assert.doesNotThrow(() => faults.record('odd', error));
    assert.deepEqual(faults.counts(), { odd: opaque.length });
  });
});
