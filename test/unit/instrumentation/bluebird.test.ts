import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bluebird, bluebird2Factory, bluebird2Queue, bluebird3Factory } from '../../../src/instrumentation/bluebird.js';
import { Suppressed } from '../../../src/spans/active-span.js';
import { appsFolder } from '../../support/run-app.js';
import { ToolBox } from './tool-box.js';

/** What the tests use of a promise of bluebird. */
interface Promised {
  [method: string]: (...args: unknown[]) => Promised;
}

/** What the tests use of bluebird. */
interface Library {
  new (executor: (...args: ((value?: unknown) => void)[]) => void): Promised;
  [method: string]: (...args: unknown[]) => Promised;
}

type Way = (library: Library, gate: Promised, see: () => unknown) => unknown;

const ways: Record<string, Way> = {
  'then before the end': (_, gate, see) => gate['then']?.(see),
  'then after the end': (library, _, see) => library['resolve']?.(1)['then']?.(see),
  'catch with a class': (_, gate, see) => gate['throw']?.(new RangeError())['catch']?.(RangeError, see),
  'catch with a predicate': (_, gate, see) =>
    gate['throw']?.(new Error())['catch']?.(
      () => see() !== null,
      () => {},
    ),
  spread: (library, gate, see) => library['all']?.([gate, 1])['spread']?.(see),
  finally: (_, gate, see) => gate['finally']?.(see),
  tap: (_, gate, see) => gate['tap']?.(see),
  done: (_, gate, see) => gate['done']?.(see),
  delay: (_, gate, see) => gate['delay']?.(2)['then']?.(see),
  timeout: (library, _, see) => new library(() => {})['timeout']?.(2)['catch']?.(see),
  nodeify: (_, gate, see) => gate['nodeify']?.(see),
  asCallback: (_, gate, see) => gate['asCallback']?.(see),
  map: (_, gate, see) => gate['return']?.([1])['map']?.(see),
  'map with concurrency': (library, gate, see) => library['map']?.([gate, 1, 2], see, { concurrency: 1 }),
  filter: (library, gate, see) => library['filter']?.([gate], see),
  reduce: (library, gate, see) => library['reduce']?.([gate, 1], see, 0),
  each: (library, gate, see) => library['each']?.([gate], see),
  join: (library, gate, see) => library['join']?.(gate, 1, see),
  'join of values': (library, _, see) => library['join']?.(1, 2, see),
  using: (library, gate, see) => library['using']?.(gate['disposer']?.(see), see),
  coroutine: (library, gate, see) =>
    library['coroutine']?.(function* () {
      yield gate;
      see();
      yield library['resolve']?.(1);
      see();
      try {
        yield library['reject']?.(new Error());
      } catch {
        see();
      }
    })?.['call']?.(undefined),
  promisifyAll: (library, gate, see) => {
    const read = (callback: (error: null) => void): void => void gate['then']?.(() => callback(null));
    const object = library['promisifyAll']?.({ read });
    return object?.['readAsync']?.()?.['then']?.(see);
  },
};

/** The value of a promise of bluebird. */
const settled = (promise: Promised | undefined): Promise<unknown> =>
  new Promise((resolve) => promise?.['then']?.(resolve));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A copy of bluebird of its own, as the package makes it. */
function copyOf(major: string): { library: Library; queue: unknown } {
  const load = createRequire(join(appsFolder, 'versions', major, 'package.json'));
  const { getNewLibraryCopy } = load('bluebird') as { getNewLibraryCopy: () => Library };
  return { library: getNewLibraryCopy(), queue: major === 'bluebird-2' ? load('bluebird/js/main/async') : undefined };
}

function functionsOf(library: Library): unknown[] {
  const prototype = Reflect.get(library, 'prototype') as object; // a class has one
  const names = ['map', 'filter', 'reduce', 'each', 'getNewLibraryCopy', 'join', 'config'];
  return [Reflect.get(prototype, '_then'), ...names.map((name) => Reflect.get(library, name))];
}

/** Runs `use` with a patched copy, and puts everything back. */
async function withPatched(
  major: string,
  use: (library: Library, box: ToolBox, state: { isDisabled: boolean }) => Promise<void>,
): Promise<void> {
  const box = new ToolBox();
  const state = { isDisabled: false };
  const context = { ...box.tools, state };
  const { library, queue } = copyOf(major);
  const before = functionsOf(library);
  const undo = [
    ...bluebird.patch(library, context, { folder: undefined }).undo,
    ...(queue === undefined ? [] : bluebird2Queue.patch(queue, context, { folder: undefined }).undo),
  ];
  try {
    await use(library, box, state);
  } finally {
    for (const restore of undo.reverse()) restore?.();
  }
  assert.ok(before.every((fn, index) => fn === functionsOf(library)[index]));
  assert.deepEqual(box.faults.counts(), {});
}

for (const major of ['bluebird-2', 'bluebird-3']) {
  describe(`callbacks of ${major}`, () => {
    for (const [name, way] of Object.entries(ways)) {
      it(`run with what was active at the call of ${name}, and without it outside`, () =>
        withPatched(major, async (library, { scope }) => {
          const marks = [undefined, ...Array.from({ length: 5 }, () => new Suppressed(null)), undefined];
          const seen: unknown[][] = marks.map(() => []);
          const open: (() => void)[] = [];
          for (const [index, mark] of marks.entries()) {
            const begin = (): void => {
              const gate = new library((resolve) => open.push(() => resolve?.(7)));
              way(library, gate, () => seen[index]?.push(scope.state()));
            };
            if (mark === undefined) begin();
            else scope.apply(mark, begin, undefined, []);
          }
          await scope.apply(new Suppressed(null), pause, undefined, [5] as never);
          scope.apply(new Suppressed(null), () => open.forEach((resolve) => void resolve()), undefined, []);
          await pause(25);
          for (const [index, mark] of marks.entries()) {
            assert.ok((seen[index]?.length ?? 0) > 0, `${index}`);
            assert.deepEqual(new Set(seen[index]), new Set([mark]), `${index}`);
          }
        }));
    }

    it('are the functions of the application where nothing is active', () =>
      withPatched(major, async (library) => {
        const pending = new library(() => {});
        const callback = (): void => {};
        pending['then']?.(callback);
        assert.equal(Reflect.get(pending, '_fulfillmentHandler0'), callback);
      }));

    it('are the functions of the application once the instrumentation is disabled', () =>
      withPatched(major, async (library, { scope }, state) => {
        state.isDisabled = true;
        const pending = new library(() => {});
        const callback = (): void => {};
        scope.apply(new Suppressed(null), () => pending['then']?.(callback), undefined, []);
        assert.equal(Reflect.get(pending, '_fulfillmentHandler0'), callback);
      }));

    it('get the receiver of bind(), all arguments, and give their result or error', () =>
      withPatched(major, async (library, { scope }) => {
        const receiver = { name: 'receiver' };
        const calls: unknown[] = [];
        const failure = new Error('of the application');
        await scope.apply(
          new Suppressed(null),
          async () => {
            const bound = library['resolve']?.([1, 2])['bind']?.(receiver);
            const spread = bound?.['spread']?.(function (this: unknown, ...args: unknown[]) {
              calls.push([this, args]);
              return 'result';
            });
            calls.push(await settled(spread));
            bound?.['nodeify']?.(function (this: unknown, ...args: unknown[]) {
              calls.push([this, args]);
            });
            const failed = bound?.['then']?.(() => {
              throw failure;
            });
            await settled(failed?.['then']?.(undefined, (error: unknown) => calls.push(error === failure)));
          },
          undefined,
          [],
        );
        assert.deepEqual(calls.length, 4);
        assert.deepEqual(calls, [[receiver, [1, 2]], 'result', [receiver, [null, [1, 2]]], true]);
      }));

    it('see the storage of the application as without the sensor', async () => {
      const observe = async (library: Library): Promise<unknown[]> => {
        const own = new AsyncLocalStorage<number>();
        const seen: unknown[] = [];
        const open: (() => void)[] = [];
        for (const index of [1, 2, 3]) {
          own.run(index, () => {
            const gate = new library((resolve) => open.push(() => resolve?.()));
            gate['then']?.(() => seen.push(own.getStore()));
          });
        }
        own.run(4, () => open.forEach((resolve) => void resolve()));
        await pause(5);
        return seen;
      };
      const expected = await observe(copyOf(major).library);
      assert.equal(expected.length, 3);
      await withPatched(major, async (library, { scope }) => {
        assert.deepEqual(await scope.apply(new Suppressed(null), observe, undefined, [library] as never), expected);
      });
    });
  });
}

describe('cancellation of bluebird 3', () => {
  it('calls onCancel, finally and reflect, with what was active where they were passed', () =>
    withPatched('bluebird-3', async (library, { scope }) => {
      library['config']?.({ cancellation: true });
      const mark = new Suppressed(null);
      const seen: unknown[] = [];
      const see = (name: string) => () => void seen.push([name, scope.state() === mark]);
      const pending = scope.apply(
        mark,
        () => {
          const promise = new library((_resolve, _reject, onCancel) =>
            (onCancel as (f: unknown) => void)(see('cancel')),
          );
          promise['finally']?.(see('finally'));
          promise['reflect']?.()['then']?.((inspection: unknown) => {
            seen.push(['reflect', (inspection as { isCancelled(): boolean }).isCancelled()]);
          });
          return promise;
        },
        undefined,
        [],
      );
      pending['cancel']?.();
      scope.apply(
        new Suppressed(null),
        () => Reflect.apply(Reflect.get(pending, '_cancel'), pending, []),
        undefined,
        [],
      );
      await pause(10);
      assert.deepEqual(new Set(seen.map(String)), new Set(['cancel,true', 'finally,true', 'reflect,true']));
    }));
});

describe('files of bluebird', () => {
  it('replaces the function that makes a library by one that patches it', () => {
    for (const record of [bluebird2Factory, bluebird3Factory]) {
      const made = { prototype: { _then: () => 1 } };
      const { exports } = record.patch(() => made, new ToolBox().tools, { folder: undefined });
      const before = made.prototype._then;
      assert.equal((exports as () => unknown)(), made);
      assert.notEqual(made.prototype._then, before);
    }
  });

  it('leaves alone what is not bluebird', () => {
    for (const record of [bluebird, bluebird2Factory, bluebird2Queue, bluebird3Factory])
      for (const exports of [null, 7, {}, { prototype: {} }]) {
        const { undo } = record.patch(exports, new ToolBox().tools, { folder: undefined });
        assert.ok(undo.every((one) => one === null));
      }
  });
});
