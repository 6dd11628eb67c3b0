import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { captureStack, parseStack } from '../../../src/spans/call-stack.js';
import type { CapturedStack } from '../../../src/spans/span.js';
import { StackCache } from '../../../src/spans/stack-cache.js';

function hold(): CapturedStack {
  const holder = captureStack(5, hold);
  assert.ok(holder !== null);
  return holder;
}

function first(): CapturedStack {
  return hold();
}

function second(): CapturedStack {
  return hold();
}

class Shop {
  buy(): CapturedStack {
    return hold();
  }
}

function makeCache(): { cache: StackCache; made: string[] } {
  const made: string[] = [];
  const cache = new StackCache((text) => {
    made.push(text);
    return JSON.stringify(parseStack(text, 5));
  });
  return { cache, made };
}

/** With this in the place of what the application may have put there. */
function withPrepare<Result>(value: unknown, run: () => Result): Result {
  const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  Object.defineProperty(Error, 'prepareStackTrace', { value, writable: true, configurable: true });
  try {
    return run();
  } finally {
    if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Object.defineProperty(Error, 'prepareStackTrace', before);
  }
}

describe('the cache of stacks', () => {
  it('gives the frames that Node.js would have written', () => {
    const { cache } = makeCache();
    const shop = new Shop();
    for (const make of [first, second, () => shop.buy(), () => JSON.parse('[1]').map(first)[0]]) {
      // In one expression: both stacks have the same line.
      const [ours, plain] = [cache.json(make()), make()].map((each) => (typeof each === 'string' ? each : each.stack));
      assert.deepEqual(JSON.parse(ours as string), parseStack(plain, 5));
    }
  });

  it('formats the stack of one place once, and keeps places apart', () => {
    const { cache, made } = makeCache();
    const texts: string[] = [];
    for (let round = 0; round < 3; round++) {
      texts.push(cache.json(first()));
      texts.push(cache.json(second()));
    }
    assert.equal(made.length, 2);
    assert.equal(new Set(texts).size, 2);
    assert.match(texts[0] ?? '', /"m":"first"/);
    assert.match(texts[1] ?? '', /"m":"second"/);
  });

  it('formats code made at run time each time', () => {
    const { cache, made } = makeCache();
    const run = new Function('hold', 'return hold()') as (make: () => CapturedStack) => CapturedStack;
    for (let round = 0; round < 2; round++) assert.match(cache.json(run(hold)), /"m":"eval"/);
    assert.equal(made.length, 2);
  });

  it('leaves the formatting to the application where it has its own', () => {
    const { cache } = makeCache();
    const calls: number[] = [];
    const prepare = (_error: Error, sites: NodeJS.CallSite[]): string => {
      calls.push(sites.length);
      return 'Error\n    at mapped (/srv/app/shop.ts:7:1)';
    };
    withPrepare(prepare, () => {
      for (let round = 0; round < 2; round++)
        assert.equal(cache.json(first()), '[{"m":"mapped","c":"/srv/app/shop.ts","n":7}]');
      assert.equal(calls.length, 2);
      assert.equal(Error.prepareStackTrace, prepare);
    });
  });

  it('gives no frames when that throws or makes no text', () => {
    const { cache } = makeCache();
    const throws = (): never => {
      throw new Error('from the application');
    };
    for (const prepare of [throws, () => null, () => ({ frames: [] })])
      withPrepare(prepare, () => assert.equal(cache.json(first()), '[]'));
  });

  it('puts back what was there, and can do without being able to change it', () => {
    const { cache } = makeCache();
    for (const value of [undefined, Error.prepareStackTrace]) {
      withPrepare(value, () => {
        cache.json(first());
        assert.equal(Error.prepareStackTrace, value);
      });
    }
    const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
    Object.defineProperty(Error, 'prepareStackTrace', { value: undefined, writable: false, configurable: true });
    try {
      assert.doesNotThrow(() => cache.json(first()));
    } finally {
      if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
      else Object.defineProperty(Error, 'prepareStackTrace', before);
    }
  });

  it('reads stacks that are text already', () => {
    const { cache, made } = makeCache();
    const stack = 'Error: no\n    at buy (/srv/shop.js:1:2)';
    for (let round = 0; round < 2; round++)
      assert.equal(cache.json({ stack }), '[{"m":"buy","c":"/srv/shop.js","n":1}]');
    assert.equal(made.length, 1);
    assert.equal(cache.json({ stack: 7 }), '[]');
    assert.equal(cache.json({}), '[]');
  });

  it('starts from nothing when it knows too many places', () => {
    const { cache, made } = makeCache();
    for (const round of ['before', 'meanwhile', 'after']) {
      if (round === 'after') fill(cache);
      made.length = 0;
      assert.match(cache.json(first()), /"m":"first"/); // one line in all rounds
      assert.equal(made.length, round === 'meanwhile' ? 0 : 1, round);
    }
  });
});

/** More places than it keeps. */
function fill(cache: StackCache): void {
  for (let script = 0; script < 3000; script++) {
    const run = new Function('hold', `return hold()\n//# sourceURL=/srv/generated-${script}.js`) as (
      make: () => CapturedStack,
    ) => CapturedStack;
    assert.match(cache.json(run(hold)), /"m":"eval"/);
  }
}
