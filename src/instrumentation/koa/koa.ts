// Koa 2 and 3: the error that a request meets. Promises of the application are not touched, because another handler would remove the
// asynchronous part of their stack traces. So an error that a middleware catches is seen only if it comes from `ctx.throw` or is
// passed to `app.emit('error')`, as Koa's guide recommends.

import type { Instrumentation, InstrumentationContext, Patched } from '../instrumentation.js';
import { type HostFunction, type Original, wrapInherited, wrapMethod } from '../wrap-method.js';

interface KoaContext {
  readonly res?: unknown;
}

function recordError({ entrySpans, state }: InstrumentationContext, ctx: KoaContext | undefined, error: unknown): void {
  if (error === undefined || error === null || state.isDisabled) return;
  const span = entrySpans.openSpanOf(ctx?.res);
  if (span !== null) entrySpans.fail(span, error);
}

/** `koa/lib/context` exports the prototype of every context. */
function patchContext(exports: unknown, context: InstrumentationContext): Patched {
  if (typeof exports !== 'object' || exports === null) return { undo: [] };
  const breaker = context.errors.breaker('koa context');

  // Koa calls it with null for every successful response.
  const onerror = (original: HostFunction): HostFunction =>
    function onerror(this: KoaContext, error?: unknown): unknown {
      try {
        recordError(context, this, error);
      } catch (internalError) {
        breaker.record(internalError);
      }
      return Reflect.apply(original, this, arguments);
    } as HostFunction;

  const throwing = (original: HostFunction): HostFunction =>
    function throwing(this: KoaContext): unknown {
      try {
        return Reflect.apply(original, this, arguments);
      } catch (error) {
        try {
          recordError(context, this, error);
        } catch (internalError) {
          breaker.record(internalError);
        }
        throw error;
      }
    } as HostFunction;

  return { undo: [wrapMethod(exports, 'onerror', onerror), wrapMethod(exports, 'throw', throwing)] };
}

function patchApplication(exports: unknown, context: InstrumentationContext): Patched {
  const { default: inner } = exports as { default?: unknown };
  const application = (typeof exports === 'function' ? exports : inner) as { prototype?: object } | undefined;
  const prototype = application?.prototype;
  if (prototype === undefined) return { undo: [] };
  const breaker = context.errors.breaker('koa application');
  const emit = (original: Original): HostFunction =>
    function emit(this: unknown, event?: unknown, error?: unknown, ctx?: KoaContext): unknown {
      if (event === 'error') {
        try {
          recordError(context, ctx, error);
        } catch (internalError) {
          breaker.record(internalError);
        }
      }
      return Reflect.apply(original.fn, this, arguments);
    } as HostFunction;
  return { undo: [wrapInherited(prototype, 'emit', emit)] };
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
