// koa-router and @koa/router (all generations), and koa-route: the route of a request.
//
// A router sets `ctx.routerPath` to the path of each layer that starts to run. At the end of the request the last one that belongs to
// a route is the template. `ctx.matched` alone is not enough, because it also has layers that never ran.
import type { RouteState } from '../../spans/span.js';
import type { Instrumentation, InstrumentationContext, Patched } from '../instrumentation.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { patternText } from '../route-pattern.js';
import { copyFunctionShape, type HostFunction, wrapMethod } from '../wrap-method.js';

/** A layer of a router. It is a route if it has methods, otherwise a middleware. */
interface Layer {
  readonly path?: unknown;
  readonly methods?: readonly unknown[];
}

interface KoaContext {
  readonly res?: unknown;
  readonly method?: unknown;
  readonly matched?: readonly Layer[];
  readonly routerPath?: unknown;
  readonly response?: { readonly _explicitStatus?: unknown };
}

/** The way of one request through the routers of a Koa application. Released when the request ends. */
class KoaRoute implements RouteState {
  readonly #ctx: KoaContext;
  /** Whether the last router has called the next middleware. */
  passedOn = false;
  /** Set by koa-route, whose routes are middlewares. */
  direct: unknown = null;

  constructor(ctx: KoaContext) {
    this.#ctx = ctx;
  }

  template(statusCode: number): string | null {
    const ctx = this.#ctx;
    // Koa's default 404: no middleware has responded, and neither has the route.
    if (this.passedOn && statusCode === 404 && ctx.response?._explicitStatus !== true) return null;
    const path = ranPath(ctx) ?? this.direct ?? respondedByMethods(ctx, statusCode);
    if (path === null) return null;
    const text = patternText(path);
    return text === '' ? '/' : text;
  }
}

function isRoute(layer: Layer): boolean {
  return Array.isArray(layer.methods) && layer.methods.length > 0;
}

/** The path of the last route that ran; null if none did. */
function ranPath({ matched, routerPath, method }: KoaContext): unknown {
  if (!Array.isArray(matched) || routerPath === undefined || routerPath === null) return null;
  if (matched.some((layer) => layer.path === routerPath && isRoute(layer))) return routerPath;
  // The last layer was a middleware. All layers before it that accept the method have run.
  const last = matched.findIndex((layer) => layer.path === routerPath);
  const route = matched
    .slice(0, Math.max(last, 0))
    .findLast((layer) => isRoute(layer) && layer.methods?.includes(method));
  return route?.path ?? null;
}

/** The path of a route without a handler for the method, to which `allowedMethods()` responds. */
function respondedByMethods({ matched, method }: KoaContext, status: number): unknown {
  if (status !== 405 && status !== 501 && method !== 'OPTIONS') return null;
  return (Array.isArray(matched) ? matched.find(isRoute)?.path : undefined) ?? null;
}

/** The route of the request of a Koa context; null if the request is not traced or has ended. */
function routeOf({ entrySpans, state }: InstrumentationContext, ctx: KoaContext | undefined): KoaRoute | null {
  if (state.isDisabled) return null;
  const http = entrySpans.openSpanOf(ctx?.res)?.http ?? null;
  if (http === null || ctx === undefined) return null;
  if (http.route instanceof KoaRoute) return http.route;
  const route = new KoaRoute(ctx);
  http.route = route;
  return route;
}

function patchRouter(exports: unknown, context: InstrumentationContext): Patched {
  const { Router: named, default: inner } = exports as { Router?: unknown; default?: unknown };
  const router = [named, inner, exports].find((candidate) => typeof candidate === 'function') as
    | { prototype?: object }
    | undefined;
  const prototype = router?.prototype;
  if (prototype === undefined) return { undo: [] };
  const breaker = context.errors.breaker('koa router');
  const wrapped: PrivateField<true> = makePrivateField();

  const routes = (original: HostFunction): HostFunction =>
    function routes(this: unknown): unknown {
      const dispatch = Reflect.apply(original, this, arguments);
      if (typeof dispatch !== 'function' || wrapped.get(dispatch) === true) return dispatch;
      const traced = copyFunctionShape(wrapDispatch(dispatch as HostFunction), dispatch as HostFunction);
      wrapped.set(traced, true);
      return traced;
    } as HostFunction;

  const wrapDispatch = (dispatch: HostFunction): HostFunction =>
    function (this: unknown, ctx?: KoaContext, next?: unknown): unknown {
      let observedNext = next;
      try {
        const route = breaker.isOpen ? null : routeOf(context, ctx);
        if (route !== null) {
          route.passedOn = false;
          if (typeof next === 'function') observedNext = observeNext(route, next as HostFunction);
        }
      } catch (error) {
        breaker.record(error);
      }
      return (dispatch as (this: unknown, ...args: unknown[]) => unknown).call(this, ctx, observedNext);
    } as HostFunction;

  // In some generations both names are one function, in others one calls the other.
  return { undo: [wrapMethod(prototype, 'routes', routes), wrapMethod(prototype, 'middleware', routes)] };
}

function observeNext(route: KoaRoute, next: HostFunction): HostFunction {
  return function (this: unknown): unknown {
    route.passedOn = true;
    return Reflect.apply(next, this, arguments);
  };
}

/** koa-route exports a function per method: `(path, handler, options)`, or `(path)` for a function that takes the handler. */
function patchKoaRoute(exports: unknown, context: InstrumentationContext): Patched {
  if (typeof exports !== 'object' || exports === null) return { undo: [] };
  const breaker = context.errors.breaker('koa-route');

  const handlerOf = (path: unknown, handler: HostFunction): HostFunction =>
    copyFunctionShape(
      function (this: unknown, ctx?: KoaContext): unknown {
        try {
          const route = routeOf(context, ctx);
          if (route !== null) route.direct = path;
        } catch (error) {
          breaker.record(error);
        }
        return Reflect.apply(handler, this, arguments);
      } as HostFunction,
      handler,
    );

  const method = (original: HostFunction): HostFunction => {
    const add = original as (this: unknown, ...args: unknown[]) => unknown;
    return function (this: unknown, path?: unknown, handler?: unknown, ...rest: unknown[]): unknown {
      if (typeof handler === 'function') return add.call(this, path, handlerOf(path, handler as HostFunction), ...rest);
      const later = Reflect.apply(original, this, arguments);
      if (typeof later !== 'function') return later;
      return (late: unknown): unknown =>
        later(typeof late === 'function' ? handlerOf(path, late as HostFunction) : late);
    } as HostFunction;
  };

  return { undo: Object.keys(exports).map((name) => wrapMethod(exports, name, method)) };
}

export const koaRouterUnscoped: Instrumentation = {
  name: 'koa-router',
  presets: ['koa'],
  module: 'koa-router',
  versions: [12, 13, 14],
  patch: patchRouter,
};

export const koaRouterScoped: Instrumentation = {
  name: '@koa/router',
  presets: ['koa'],
  module: '@koa/router',
  versions: [12, 13, 14, 15],
  patch: patchRouter,
};

export const koaRoute: Instrumentation = {
  name: 'koa-route',
  presets: ['koa'],
  module: 'koa-route',
  versions: [3, 4],
  patch: patchKoaRoute,
};
