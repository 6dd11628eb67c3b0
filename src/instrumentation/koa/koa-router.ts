// koa-router and @koa/router (all generations), and koa-route: which route a request took.
//
// The routers write the path of each layer on the context when the layer begins to run (`ctx.routerPath`); at the end of the request
// the last one that belongs to a route is the template. `ctx.matched` alone would not do: it also has layers that never ran.
import type { RouteState } from '../../spans/span.js';
import type { Instrumentation, InstrumentationContext, Patched } from '../instrumentation.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { patternText } from '../route-pattern.js';
import { copyFunctionShape, type HostFunction, wrapMethod } from '../wrap-method.js';

/** A layer of a router: a route when it has methods, else a middleware. */
interface Layer {
  readonly path?: unknown;
  readonly methods?: readonly unknown[];
}

interface Context {
  readonly res?: unknown;
  readonly method?: unknown;
  readonly matched?: readonly Layer[];
  readonly routerPath?: unknown;
  readonly response?: { readonly _explicitStatus?: unknown };
}

/** The way of one request through the routers of a Koa application. Dropped when the request ends. */
class KoaRoute implements RouteState {
  readonly #context: Context;
  /** The last router called what stands behind it. */
  passedOn = false;
  /** Set by koa-route, whose routes are middlewares of their own. */
  direct: string | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  template(statusCode: number): string | null {
    const context = this.#context;
    // Koa's own 404: nobody answered, the route included.
    if (this.passedOn && statusCode === 404 && context.response?._explicitStatus !== true) return null;
    const path = ranPath(context) ?? this.direct ?? respondedByMethods(context, statusCode);
    if (path === null) return null;
    const text = patternText(path);
    return text === '' ? '/' : text;
  }
}

function isRoute(layer: Layer): boolean {
  return Array.isArray(layer.methods) && layer.methods.length > 0;
}

/** The path of the last route that was entered; null when only middlewares were, or nothing. */
function ranPath({ matched, routerPath, method }: Context): unknown {
  if (!Array.isArray(matched) || routerPath === undefined || routerPath === null) return null;
  if (matched.some((layer) => layer.path === routerPath && isRoute(layer))) return routerPath;
  // The last layer was a middleware: all layers that stand before it and take the method have run.
  const last = matched.findIndex((layer) => layer.path === routerPath);
  const route = matched
    .slice(0, Math.max(last, 0))
    .findLast((layer) => isRoute(layer) && layer.methods?.includes(method));
  return route?.path ?? null;
}

/** The path that exists, but not for this method: what `allowedMethods()` answers for. */
function respondedByMethods({ matched, method }: Context, status: number): unknown {
  if (status !== 405 && status !== 501 && method !== 'OPTIONS') return null;
  return (Array.isArray(matched) ? matched.find(isRoute)?.path : undefined) ?? null;
}

/** The state of the request of this context; null when it is not traced or has ended. */
function routeOf({ entrySpans, state }: InstrumentationContext, context: Context | undefined): KoaRoute | null {
  if (state.isDisabled) return null;
  const http = entrySpans.openSpanOf(context?.res)?.http ?? null;
  if (http === null || context === undefined) return null;
  if (http.route instanceof KoaRoute) return http.route;
  const route = new KoaRoute(context);
  http.route = route;
  return route;
}

function patchRouter(exports: unknown, tools: InstrumentationContext): Patched {
  const { Router: named, default: inner } = exports as { Router?: unknown; default?: unknown };
  const router = [named, inner, exports].find((candidate) => typeof candidate === 'function') as
    | { prototype?: object }
    | undefined;
  const prototype = router?.prototype;
  if (prototype === undefined) return { undo: [] };
  const breaker = tools.errors.breaker('koa router');
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
    function (this: unknown, context?: Context, next?: unknown): unknown {
      let behind = next;
      try {
        const route = breaker.isOpen ? null : routeOf(tools, context);
        if (route !== null) {
          route.passedOn = false;
          if (typeof next === 'function') behind = passOn(route, next as HostFunction);
        }
      } catch (error) {
        breaker.record(error);
      }
      return (dispatch as (this: unknown, ...args: unknown[]) => unknown).call(this, context, behind);
    } as HostFunction;

  // In the generations where both names mean one function, and where one calls the other.
  return { undo: [wrapMethod(prototype, 'routes', routes), wrapMethod(prototype, 'middleware', routes)] };
}

function passOn(route: KoaRoute, next: HostFunction): HostFunction {
  return function (this: unknown): unknown {
    route.passedOn = true;
    return Reflect.apply(next, this, arguments);
  };
}

/** koa-route exports a function per method: `(path, handler, options)`, or `(path)` for a function that takes the handler. */
function patchKoaRoute(exports: unknown, tools: InstrumentationContext): Patched {
  if (typeof exports !== 'object' || exports === null) return { undo: [] };
  const breaker = tools.errors.breaker('koa-route');

  const handlerOf = (path: unknown, handler: HostFunction): HostFunction =>
    copyFunctionShape(
      function (this: unknown, context?: Context): unknown {
        try {
          const route = routeOf(tools, context);
          if (route !== null) route.direct = typeof path === 'string' ? path : patternText(path);
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
