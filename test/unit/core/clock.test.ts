import assert from 'node:assert/strict';
import { it, mock } from 'node:test';
import { systemClock } from '../../../src/core/clock.js';

it('keeps the real timers, clocks and random numbers when the application replaces them', async () => {
  const { performance: realPerformance } = globalThis;
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now: 1 });
  mock.method(Math, 'random', () => 2);
  mock.method(realPerformance, 'now', () => -1);
  try {
    assert.equal(Date.now(), 1);
    assert.ok(systemClock.wallClock() > 1_600_000_000_000);
    assert.ok(systemClock.random() < 1);
    assert.ok(systemClock.now() > 0);
    await new Promise<void>((resolve) => {
      systemClock.setTimeout(resolve, 1);
    });
    await new Promise<void>((resolve) => {
      systemClock.setImmediate(resolve);
    });
    await new Promise<void>((resolve) => {
      const timer = systemClock.setInterval(() => {
        systemClock.clearInterval(timer);
        resolve();
      }, 1);
    });
    const cleared = systemClock.setTimeout(() => assert.fail('was cleared'), 1);
    systemClock.clearTimeout(cleared);
    await new Promise<void>((resolve) => {
      systemClock.setTimeout(resolve, 5);
    });
  } finally {
    mock.timers.reset();
    mock.restoreAll();
  }
});
