import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { suppressed } from '../../../src/spans/active-span.js';
import { Fixture } from './fixtures.js';

describe('the active span', () => {
  it('is null outside any', () => {
    const { scope } = new Fixture();
    assert.equal(scope.get(), null);
    assert.equal(scope.isSuppressed(), false);
  });

  it('stays through promises, timers and events that it starts, and ends with them', async () => {
    const fixture = new Fixture();
    const { scope } = fixture;
    const span = fixture.entry();
    const seen: unknown[] = [];
    await scope.apply(
      span,
      async () => {
        await sleep(1);
        seen.push(scope.get());
        await new Promise<void>((resolve) => setImmediate(() => process.nextTick(resolve)));
        seen.push(scope.get());
        queueMicrotask(() => seen.push(scope.get()));
        const emitter = new EventEmitter();
        emitter.once('x', () => seen.push(scope.get()));
        emitter.emit('x');
      },
      undefined,
      [],
    );
    assert.deepEqual(seen, [span, span, span, span]);
    assert.equal(scope.get(), null);
  });

  it('passes self, arguments, result and error through', () => {
    const fixture = new Fixture();
    const { scope } = fixture;
    const span = fixture.entry();
    const self = { base: 1 };
    const add = function (this: { base: number }, a: number, b: number): number {
      return this.base + a + b;
    };
    assert.equal(scope.apply(span, add as (...args: never[]) => number, self, [2, 3]), 6);
    assert.equal(scope.apply(suppressed, add as (...args: never[]) => number, self, [2, 3]), 6);
    const error = new Error('x');
    const thrower = (): never => {
      throw error;
    };
    assert.throws(
      () => scope.apply(span, thrower, undefined, []),
      (thrown) => thrown === error,
    );
    assert.equal(scope.get(), null);
  });

  it('of 100 interleaved chains is never that of another one', async () => {
    const fixture = new Fixture();
    const { scope } = fixture;
    const chain = async (delay: number): Promise<boolean> => {
      const span = fixture.entry();
      return scope.apply(
        span,
        async () => {
          for (let step = 0; step < 5; step++) {
            await sleep((delay * 7 + step * 3) % 11);
            if (scope.get() !== span) return false;
          }
          return true;
        },
        undefined,
        [],
      );
    };
    const results = await Promise.all(Array.from({ length: 100 }, (_, index) => chain(index)));
    assert.deepEqual(new Set(results), new Set([true]));
  });

  it('is none in what the sensor does apart from it, nor in what is started there', async () => {
    const fixture = new Fixture();
    const { scope } = fixture;
    await scope.apply(
      fixture.entry(),
      () =>
        scope.runSuppressed(async () => {
          await sleep(1);
          assert.equal(scope.get(), null);
          assert.equal(scope.isSuppressed(), true);
        }),
      undefined,
      [],
    );
    assert.equal(scope.isSuppressed(), false);
    assert.equal(
      scope.runSuppressed(() => scope.isSuppressed()),
      false,
    );
  });
});
