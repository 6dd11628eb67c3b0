// Koa 2 and 3: the error that a request met. Promises of the application are left alone, since a handler more on one of them
// would cost it the asynchronous part of its stack traces; so an error that a middleware catches is seen only when it was
// made by `ctx.throw` or is handed to `app.emit('error')`, as Koa's guide has it.

import type { Instrumentation, InstrumentationContext, Patched } from '../instrumentation.js';
import { type HostFunction, wrapMethod } from '../wrap-method.js';

interface Context {
  readonly res?: unknown;
}

function noteError({ entrySpans, state }: InstrumentationContext, context: Context | undefined, error: unknown): void {
  if (error === undefined || error === null || state.isDisabled) return;
  const span = entrySpans.openSpanOf(context?.res);
  if (span !== null) entrySpans.fail(span, error);
}

/** `koa/lib/context` is the object that every context inherits from. */
function patchContext(exports: unknown, tools: InstrumentationContext): Patched {
  if (typeof exports !== 'object' || exports === null) return { undo: [] };
  const breaker = tools.errors.breaker('koa context');

  // Called with null for every response that ends well.
  const onerror = (original: HostFunction): HostFunction =>
    function onerror(this: Context, error?: unknown): unknown {
      try {
        noteError(tools, this, error);
      } catch (internalError) {
        breaker.record(internalError);
      }
      return Reflect.apply(original, this, arguments);
    } as HostFunction;

  const throwing = (original: HostFunction): HostFunction =>
    function throwing(this: Context): unknown {
      try {
        return Reflect.apply(original, this, arguments);
      } catch (error) {
        try {
          noteError(tools, this, error);
        } catch (internalError) {
          breaker.record(internalError);
        }
        throw error;
      }
    } as HostFunction;

  return { undo: [wrapMethod(exports, 'onerror', onerror), wrapMethod(exports, 'throw', throwing)] };
}

function patchApplication(exports: unknown, tools: InstrumentationContext): Patched {
  const { default: inner } = exports as { default?: unknown };
  const application = (typeof exports === 'function' ? exports : inner) as { prototype?: object } | undefined;
  const prototype = application?.prototype;
  if (prototype === undefined) return { undo: [] };
  const breaker = tools.errors.breaker('koa application');
  const emit = (original: HostFunction): HostFunction =>
    function emit(this: unknown, event?: unknown, error?: unknown, context?: Context): unknown {
      if (event === 'error') {
        try {
          noteError(tools, context, error);
        } catch (internalError) {
          breaker.record(internalError);
        }
      }
      return Reflect.apply(original, this, arguments);
    } as HostFunction;
  return { undo: [wrapMethod(prototype, 'emit', emit)] };
}

export const koaContext: Instrumentation = {
  name: 'koa',
  presets: ['koa'],
  module: 'koa/lib/context',
  versions: [2, 3],
  patch: patchContext,
};

export const koaApplication: Instrumentation = {
  name: 'koa',
  presets: ['koa'],
  module: 'koa',
  versions: [2, 3],
  patch: patchApplication,
};
