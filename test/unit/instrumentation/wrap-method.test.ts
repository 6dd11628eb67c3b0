import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  copyFunctionShape,
  type HostFunction,
  notWritable,
  wrapInherited,
  wrapMethod,
} from '../../../src/instrumentation/wrap-method.js';

/** The simplest wrapper: counts, and runs the original with what it was given. */
function counting(): { wrap: (original: HostFunction) => HostFunction; calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    wrap: (original) =>
      function (this: unknown): unknown {
        calls++;
        // biome-ignore lint/complexity/noArguments: passed on unchanged
        return Reflect.apply(original, this, arguments);
      } as HostFunction,
  };
}

describe('a function that is wrapped', () => {
  it('gets its own this and arguments, and its result and error come through', () => {
    const error = new Error('host');
    const target = {
      base: 1,
      add(this: { base: number }, ...numbers: number[]): number {
        return numbers.reduce((sum, number) => sum + number, this.base);
      },
      fail(): never {
        throw error;
      },
    };
    const { wrap, calls } = counting();
    wrapMethod(target, 'add', wrap);
    wrapMethod(target, 'fail', wrap);
    assert.equal(target.add(1, 2, 3), 7);
    assert.equal(target.add(), 1);
    assert.throws(
      () => target.fail(),
      (thrown) => thrown === error,
    );
    assert.equal(calls(), 3);
  });

  it('keeps name, length, own properties, symbols and prototype', () => {
    const symbol = Symbol('own');
    class Base {}
    const original = Object.assign(
      function handler(_a: unknown, _b: unknown, _c: unknown, _d: unknown): string {
        return 'x';
      },
      { extra: 1, [symbol]: 2 },
    );
    Object.defineProperty(original, 'hidden', { value: 3, enumerable: false });
    Object.setPrototypeOf(original, Base);
    const target = { handler: original };
    wrapMethod(target, 'handler', counting().wrap);
    const wrapped: unknown = target.handler;
    assert.notEqual(wrapped, original);
    assert.equal(target.handler.name, 'handler');
    assert.equal(target.handler.length, 4);
    assert.equal(target.handler.extra, 1);
    assert.equal(target.handler[symbol], 2);
    assert.equal(Reflect.get(target.handler, 'hidden'), 3);
    assert.equal(Object.keys(target.handler).join(), 'extra');
    assert.equal(Object.getPrototypeOf(target.handler), Base);
    assert.equal(target.handler.prototype, original.prototype);
    for (const key of Reflect.ownKeys(original)) assert.ok(Reflect.ownKeys(target.handler).includes(key), String(key));
  });

  it('keeps whether its property can be seen', () => {
    const target = {};
    Object.defineProperty(target, 'quiet', { value: () => 1, enumerable: false, writable: true, configurable: true });
    wrapMethod(target, 'quiet', counting().wrap);
    assert.equal(Object.getOwnPropertyDescriptor(target, 'quiet')?.enumerable, false);
  });

  it('is put back as it was', () => {
    const original = (): number => 1;
    const target = { original };
    const before = Object.getOwnPropertyDescriptor(target, 'original');
    const undo = wrapMethod(target, 'original', counting().wrap);
    assert.notEqual(target.original, original);
    undo?.();
    assert.deepEqual(Object.getOwnPropertyDescriptor(target, 'original'), before);
    undo?.();
    assert.equal(target.original, original);
  });

  it('that was inherited is inherited again', () => {
    class Base {
      run(): string {
        return 'base';
      }
    }
    class Derived extends Base {}
    const undo = wrapMethod(Derived.prototype, 'run', counting().wrap);
    assert.equal(Object.hasOwn(Derived.prototype, 'run'), true);
    assert.equal(new Derived().run(), 'base');
    undo?.();
    assert.equal(Object.hasOwn(Derived.prototype, 'run'), false);
  });

  it('and wrapped again by somebody else is left to them', () => {
    const target = { run: (): string => 'host' };
    const undo = wrapMethod(target, 'run', counting().wrap);
    const ours = target.run;
    const theirs = (): string => `their ${ours()}`;
    target.run = theirs;
    undo?.();
    assert.equal(target.run, theirs);
    assert.equal(target.run(), 'their host');
  });

  it('is wrapped once, however often the same module arrives', () => {
    const { wrap, calls } = counting();
    const target = { run: (): number => 1 };
    wrapMethod(target, 'run', wrap);
    const first = target.run;
    for (let time = 0; time < 1000; time++) wrapMethod(target, 'run', wrap);
    assert.equal(target.run, first);
    target.run();
    assert.equal(calls(), 1);
  });
});

describe('what cannot be wrapped is left alone:', () => {
  const rows: readonly (readonly [string, object])[] = [
    ['a frozen object', Object.freeze({ run: () => 1 })],
    ['a property that is read-only', Object.defineProperty({}, 'run', { value: () => 1 })],
    ['a property that is not configurable', Object.defineProperty({}, 'run', { value: () => 1, writable: true })],
    ['a getter', Object.defineProperty({}, 'run', { get: () => () => 1, configurable: true })],
    ['no function', { run: 7 }],
    ['nothing', {}],
    [
      'an inherited function of an object that takes no members',
      Object.preventExtensions(Object.create({ run: () => 1 })),
    ],
  ];
  for (const [what, target] of rows) {
    it(what, () => {
      const before = Object.getOwnPropertyDescriptor(target, 'run');
      const isFunction = typeof Reflect.get(target, 'run') === 'function';
      assert.equal(wrapMethod(target, 'run', counting().wrap), isFunction ? notWritable : null);
      assert.deepEqual(Object.getOwnPropertyDescriptor(target, 'run'), before);
    });
  }
});

describe('a function made to resemble another one', () => {
  it('says nothing on stderr and survives properties that cannot be copied', () => {
    const original = function named(_a: unknown): void {};
    Object.defineProperty(original, 'name', { value: 'frozen name', configurable: false });
    Object.freeze(original);
    const resembling = copyFunctionShape((() => {}) as HostFunction, original as HostFunction);
    assert.equal(resembling.name, 'frozen name');
    assert.equal(resembling.length, 1);
  });

  it('resembles classes, arrow functions and async functions alike', () => {
    class Thing {
      value = 1;
    }
    for (const original of [Thing, async () => 1, (_a: unknown, _b: unknown) => 1]) {
      const resembling = copyFunctionShape(((): void => {}) as HostFunction, original as unknown as HostFunction);
      assert.equal(resembling.name, original.name);
      assert.equal(resembling.length, original.length);
    }
  });
});

describe('a wrapper', () => {
  it('has the own members of the original and no others', () => {
    const original = Object.assign(() => 1, { extra: 2 });
    const target = { run: original };
    wrapMethod(target, 'run', (host) => () => Reflect.apply(host, undefined, []));
    assert.notEqual(target.run, original);
    assert.deepEqual(Reflect.ownKeys(target.run), Reflect.ownKeys(original));
  });
});

describe('a method that its target only inherits', () => {
  class Base {
    name(): string {
      return 'base';
    }
  }
  const ways: Record<string, (target: object) => void> = {
    wrapMethod: (target) => {
      wrapMethod(target, 'name', counting().wrap);
    },
    wrapInherited: (target) => {
      wrapInherited(
        target,
        'name',
        (original) =>
          function (this: unknown): unknown {
            return Reflect.apply(original.fn, this, []);
          } as HostFunction,
      );
    },
  };
  for (const [way, wrap] of Object.entries(ways)) {
    it(`is the one that its prototype has at the time of the call: ${way}`, () => {
      class Parent extends Base {}
      class Child extends Parent {}
      wrap(Child.prototype);
      const child = new Child();
      assert.equal(child.name(), 'base');
      Parent.prototype.name = () => 'parent';
      assert.equal(child.name(), 'parent');
      Reflect.deleteProperty(Parent.prototype, 'name');
      assert.equal(child.name(), 'base');
    });
  }

  it('is the one that was replaced if the target has its own', () => {
    class Child extends Base {
      override name(): string {
        return 'child';
      }
    }
    ways['wrapInherited']?.(Child.prototype);
    Base.prototype.name = () => 'changed';
    assert.equal(new Child().name(), 'child');
  });

  it('is inherited again after the undo', () => {
    class Child extends Base {}
    const undo = wrapMethod(Child.prototype, 'name', counting().wrap);
    assert.equal(Object.hasOwn(Child.prototype, 'name'), true);
    undo?.();
    assert.equal(Object.hasOwn(Child.prototype, 'name'), false);
  });
});
