import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CallStacks, captureStack, parseStack } from '../../../src/spans/call-stack.js';
import { assertLinearTime } from '../../support/linear-time.js';

function inner(limit: number): ReturnType<typeof captureStack> {
  return captureStack(limit, inner);
}

function caller(limit: number): ReturnType<typeof captureStack> {
  return inner(limit);
}

describe('the stack of a call', () => {
  it('begins with the caller of the function that is left out', () => {
    const frames = parseStack(caller(5)?.stack, 5);
    assert.equal(frames[0]?.m, 'caller');
    assert.equal(frames[0]?.c, __filename);
    assert.equal(typeof frames[0]?.n, 'number');
  });

  it('has no more frames than asked for', () => {
    assert.equal(parseStack(caller(1)?.stack, 10).length, 1);
    assert.equal(parseStack(caller(10)?.stack, 2).length, 2);
  });

  it('leaves the limit of the application as it was, whatever that is', () => {
    const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
    try {
      for (const limit of [3, 0, Number.POSITIVE_INFINITY, 'text', undefined]) {
        Reflect.set(Error, 'stackTraceLimit', limit);
        inner(5);
        assert.equal(Error.stackTraceLimit, limit);
      }
    } finally {
      if (before !== undefined) Object.defineProperty(Error, 'stackTraceLimit', before);
    }
  });

  it('does not bring back a limit that the application has taken away', () => {
    const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
    try {
      Reflect.deleteProperty(Error, 'stackTraceLimit');
      inner(5);
      assert.equal(Error.stackTraceLimit, undefined);
    } finally {
      if (before !== undefined) Object.defineProperty(Error, 'stackTraceLimit', before);
    }
  });

  it('does not run prepareStackTrace of the application during the call', () => {
    const before = Error.prepareStackTrace;
    let calls = 0;
    try {
      Error.prepareStackTrace = () => {
        calls++;
        return [];
      };
      const held = inner(5);
      assert.equal(calls, 0);
      assert.deepEqual(parseStack(held?.stack, 5), []);
    } finally {
      if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
      else Error.prepareStackTrace = before;
    }
  });

  it('is null, not an error, where the limit cannot be set', () => {
    const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
    try {
      Object.defineProperty(Error, 'stackTraceLimit', { value: 4, writable: false, configurable: true });
      assert.doesNotThrow(() => inner(5));
      assert.equal(Error.stackTraceLimit, 4);
    } finally {
      if (before !== undefined) Object.defineProperty(Error, 'stackTraceLimit', before);
    }
  });
});

describe('the stacks of many calls', () => {
  it('are taken a hundred times a second', () => {
    const stacks = new CallStacks();
    const taken = (tick: number): number =>
      Array.from({ length: 150 }, () => stacks.take(5, taken, tick)).filter((stack) => stack !== null).length;
    assert.equal(taken(5000), 100);
    assert.equal(taken(5999), 0);
    assert.equal(taken(6000), 100);
    assert.equal(taken(60_000), 100);
  });
});

describe('the text of a stack', () => {
  it('gives method, file and line of each frame', () => {
    const text = [
      'Error: message',
      'over two lines',
      '    at Shop.buy (/srv/app/shop.js:12:34)',
      '    at async handler (file:///srv/app/main.mjs:5:6)',
      '    at /srv/app/anonymous.js:7:8',
      '    at new Thing (/srv/a b/c.js:9:1)',
      '    at Array.map (<anonymous>)',
      '    at node:internal/process/task_queues:95:5',
      '    at Object.get [as value] (/x.js:1:2)',
    ].join('\n');
    assert.deepEqual(parseStack(text, 10), [
      { m: 'Shop.buy', c: '/srv/app/shop.js', n: 12 },
      { m: 'async handler', c: '/srv/app/main.mjs', n: 5 },
      { m: '<anonymous>', c: '/srv/app/anonymous.js', n: 7 },
      { m: 'new Thing', c: '/srv/a b/c.js', n: 9 },
      { m: 'Array.map', c: '<anonymous>' },
      { m: '<anonymous>', c: 'node:internal/process/task_queues', n: 95 },
      { m: 'Object.get [as value]', c: '/x.js', n: 1 },
    ]);
  });

  it('gives no frames for what is no text of a stack', () => {
    for (const stack of [undefined, null, 7, {}, [], 'no frames here', '']) assert.deepEqual(parseStack(stack, 10), []);
  });

  it('is read in a time that grows no faster than it', () => {
    assertLinearTime((length) => void parseStack(`    at ${' ('.repeat(length / 2)}\n`.repeat(4), 10));
  });
});

describe('a stack taken through the global tracer', () => {
  it('begins with the code of the application', () => {
    const text = [
      'Error',
      '    at Object.startSpan (/app/node_modules/@instana/ts-sensor/build/src/sensor.js:1:2)',
      '    at GlobalTracerDelegate.startSpan (/app/node_modules/opentracing/lib/global_tracer.js:40:33)',
      '    at work (/app/job.js:7:1)',
      '    at more (/app/node_modules/opentracing/lib/global_tracer.js:1:1)',
    ].join('\n');
    assert.deepEqual(
      parseStack(text, 10).map(({ m }) => m),
      ['work', 'more'],
    );
  });
});
