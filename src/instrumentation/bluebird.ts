// Keeps the active span in the callbacks of bluebird, which runs those of all requests from one queue.

import { httpPresets } from '../config/presets.js';
import type { ActiveState } from '../spans/active-span.js';
import type { Instrumentation, InstrumentationContext, Patched } from './instrumentation.js';
import { makePrivateField, type PrivateField } from './private-field.js';
import { type HostFunction, type Undo, wrapMethod } from './wrap-method.js';

type Then = (this: unknown, ...args: unknown[]) => unknown;

/** Methods that keep their callback in an object of their own instead of passing it to `_then`. */
const collectionMethods = ['map', 'filter', 'reduce', 'each', 'mapSeries'];

/** The steps of a coroutine of bluebird 3, which its queue calls. Bluebird 2 passes them to `_then`. */
const coroutineSteps = ['_promiseFulfilled', '_promiseRejected', '_promiseCancelled'];

function patchMainFile(exports: unknown, context: InstrumentationContext): Patched {
  return { undo: patchLibrary(exports, context) };
}

function patchFactory(exports: unknown, context: InstrumentationContext): Patched {
  if (typeof exports !== 'function') return { undo: [] };
  const holder = { make: exports };
  wrapMethod(holder, 'make', (original) => makePatched(original, context));
  return { undo: [], exports: holder.make };
}

function patchQueue(exports: unknown, context: InstrumentationContext): Patched {
  return { undo: [wrapQueue(exports, context)] };
}

function patchLibrary(library: unknown, context: InstrumentationContext): (Undo | null)[] {
  if (!isObject(library)) return [];
  const prototype: unknown = Reflect.get(library, 'prototype');
  if (!isObject(prototype) || typeof Reflect.get(prototype, '_then') !== 'function') return [];
  const coroutine = coroutinePrototype(library); // first, with the functions of bluebird
  return [
    wrapThen(prototype, context),
    ...collectionMethods.flatMap((name) => [
      wrapCallback(prototype, name, () => 0, context),
      wrapCallback(library, name, () => 1, context),
    ]),
    // The resources come first.
    wrapCallback(library, 'join', (length) => length - 1, context),
    wrapOnCancel(prototype, context),
    // `config` replaces the function that takes the callbacks of cancellation.
    wrapMethod(library, 'config', (original) => (...args) => {
      const result = Reflect.apply(original, library, args);
      wrapOnCancel(prototype, context);
      return result;
    }),
    wrapQueue(Reflect.get(library, '_async'), context),
    wrapMethod(library, 'getNewLibraryCopy', (original) => makePatched(original, context)),
    ...(coroutine === null ? [] : wrapCoroutine(coroutine, context)),
  ];
}

function makePatched(original: HostFunction, context: InstrumentationContext): HostFunction {
  return function (this: unknown, ...args) {
    const library = Reflect.apply(original, this, args);
    try {
      patchLibrary(library, context);
    } catch (error) {
      context.errors.record('patching bluebird', error);
    }
    return library;
  };
}

/** Most methods of bluebird pass their callbacks to `_then`, in the context of the caller. */
function wrapThen(prototype: object, context: InstrumentationContext): Undo | null {
  const { activeSpan, state } = context;
  const reflect = reflectCallback(prototype);
  return wrapMethod(
    prototype,
    '_then',
    (original) =>
      function (
        this: unknown,
        fulfilled?: unknown,
        rejected?: unknown,
        progressed?: unknown, // in bluebird 2
        receiver?: unknown,
        internal?: unknown,
      ) {
        const active = activeSpan.state();
        // Bluebird recognizes the callback of `reflect` by its identity.
        if (active === undefined || state.isDisabled || fulfilled === reflect)
          return Reflect.apply(original, this, arguments);
        return (original as Then).call(
          this,
          bind(fulfilled, active, context),
          bind(rejected, active, context),
          bind(progressed, active, context),
          receiver,
          internal,
        );
      },
  );
}

function wrapCallback(
  target: object,
  method: string,
  indexOf: (length: number) => number,
  context: InstrumentationContext,
): Undo | null {
  const { activeSpan, state } = context;
  return wrapMethod(
    target,
    method,
    (original) =>
      function (this: unknown) {
        const active = activeSpan.state();
        const index = indexOf(arguments.length);
        if (active === undefined || state.isDisabled || index < 0 || index >= arguments.length)
          return Reflect.apply(original, this, arguments);
        const args: unknown[] = Array.from(arguments);
        args[index] = bind(args[index], active, context);
        return Reflect.apply(original, this, args as never[]);
      },
  );
}

function wrapOnCancel(prototype: object, context: InstrumentationContext): Undo | null {
  return wrapCallback(prototype, '_attachCancellationCallback', () => 0, context);
}

/** The queue runs in the context of whatever filled it first. Callbacks that are not bound belong to no request. */
function wrapQueue(queue: unknown, { activeSpan, state }: InstrumentationContext): Undo | null {
  if (!isObject(queue)) return null;
  return wrapMethod(
    queue,
    'drainQueues',
    (original) =>
      function (this: unknown) {
        return state.isDisabled
          ? Reflect.apply(original, this, arguments)
          : activeSpan.resume(undefined, original, this, arguments);
      },
  );
}

function wrapCoroutine(prototype: object, { activeSpan, state }: InstrumentationContext): (Undo | null)[] {
  const starts: PrivateField<ActiveState> = makePrivateField();
  return coroutineSteps.map((step) =>
    wrapMethod(
      prototype,
      step,
      (original) =>
        function (this: unknown) {
          if (state.isDisabled || !isObject(this)) return Reflect.apply(original, this, arguments);
          const start = starts.get(this);
          if (start !== undefined) return activeSpan.resume(start, original, this, arguments);
          const active = activeSpan.state();
          if (active !== undefined) starts.set(this, active); // the first step runs where the coroutine is called
          return Reflect.apply(original, this, arguments);
        },
    ),
  );
}

function bind(callback: unknown, active: ActiveState, { activeSpan }: InstrumentationContext): unknown {
  if (typeof callback !== 'function') return callback;
  const host = callback as HostFunction; // checked above
  return function (this: unknown) {
    return activeSpan.resume(active, host, this, arguments);
  };
}

/** The function that `reflect` passes to `_then`. */
function reflectCallback(prototype: object): unknown {
  const reflect: unknown = Reflect.get(prototype, 'reflect');
  let callback: unknown;
  const receiver = {
    _then: (first: unknown): void => {
      callback = first;
    },
  };
  if (typeof reflect === 'function') Reflect.apply(reflect, receiver, []);
  return callback;
}

/** The class of running coroutines in bluebird 3, which passes one to `_proxy` of the promise that it waits for. */
function coroutinePrototype(library: object): object | null {
  const coroutine: unknown = Reflect.get(library, 'coroutine');
  if (typeof library !== 'function' || typeof coroutine !== 'function') return null;
  let found: object | null = null;
  const pending: unknown = Reflect.construct(library, [() => {}]);
  if (!isObject(pending)) return null;
  Object.defineProperty(pending, '_proxy', {
    value: (running: object) => {
      found = Object.getPrototypeOf(running) as object; // an object of a class
    },
  });
  const run: unknown = Reflect.apply(coroutine, library, [
    function* () {
      yield pending;
    },
  ]);
  if (typeof run === 'function') Reflect.apply(run, undefined, []);
  return found;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

export const bluebird: Instrumentation = {
  name: 'bluebird',
  presets: httpPresets,
  module: 'bluebird',
  versions: [2, 3],
  mainFile: 'js/release/bluebird.js',
  patch: patchMainFile,
};

/** Under `node -r` no hook sees the main file that an ES module imports, but hooks see the files that the main file requires. */
export const bluebird3Factory: Instrumentation = {
  name: 'bluebird',
  presets: httpPresets,
  module: 'bluebird/js/release/promise',
  versions: [3],
  patch: patchFactory,
};

export const bluebird2Factory: Instrumentation = {
  name: 'bluebird',
  presets: httpPresets,
  module: 'bluebird/js/main/promise',
  versions: [2],
  patch: patchFactory,
};

/** The queue that all copies of bluebird 2 share. In bluebird 3 each copy has one, `_async`. */
export const bluebird2Queue: Instrumentation = {
  name: 'bluebird',
  presets: httpPresets,
  module: 'bluebird/js/main/async',
  versions: [2],
  patch: patchQueue,
};
