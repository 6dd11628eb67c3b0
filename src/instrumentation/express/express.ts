// Express 4 and 5 and their router package: the route of a request, and the error that it meets.
//
// No function of the application is wrapped. The pattern of a layer is recorded when the layer is added to its router, and entered
// into the route of the request when the layer runs. `req.baseUrl` and `req.route` are not used: the first has values instead of
// parameters, the second stays set after a route has passed the request on.
import type { Instrumentation, InstrumentationContext, LoadedModule, Patched } from '../instrumentation.js';
import { copyFunctionShape, type HostFunction, type Original, wrapInherited, wrapMethod } from '../wrap-method.js';
import type { ListLayer } from './path-list.js';
import { ExpressRoute, RegisteredLayer, type RouterOptions, registeredLayers } from './route-state.js';

/** A layer of a router, as Express 4 and the router package have it. */
interface Layer extends ListLayer {
  readonly route?: object;
  readonly params?: unknown;
  readonly rawPath?: unknown;
}

interface Router extends RouterOptions {
  readonly stack?: Layer[];
}

interface Request {
  readonly params?: unknown;
}

/** The route of the request of `response`; null if the request is not traced or has ended. */
function routeOf({ entrySpans, state }: InstrumentationContext, response: unknown): ExpressRoute | null {
  if (state.isDisabled) return null;
  const http = entrySpans.openSpanOf(response)?.http ?? null;
  if (http === null) return null;
  if (http.route instanceof ExpressRoute) return http.route;
  const route = new ExpressRoute();
  http.route = route;
  return route;
}

function recordError(context: InstrumentationContext, response: unknown, error: unknown): void {
  // A handler passes these two words to `next` to leave its route or its router.
  if (!error || error === 'route' || error === 'router' || context.state.isDisabled) return;
  const span = context.entrySpans.openSpanOf(response);
  if (span === null) return;
  routeOf(context, response)?.fail();
  context.entrySpans.fail(span, error);
}

function patchRouter(exports: unknown, context: InstrumentationContext): Patched {
  const breaker = context.errors.breaker('express router');
  // Express 4 exports the prototype of its routers, the router package a constructor. An ES module has either as its default export.
  const { default: inner } = exports as { default?: unknown };
  const router = (inner ?? exports) as { prototype?: object };
  const target = router.prototype !== undefined && 'use' in router.prototype ? router.prototype : router;

  const use = (original: HostFunction): HostFunction =>
    function use(this: Router, first?: unknown): unknown {
      const before = this?.stack?.length ?? 0;
      const result = Reflect.apply(original, this, arguments);
      try {
        const path = isHandler(first) ? '/' : first;
        for (const layer of (this.stack ?? []).slice(before))
          registeredLayers.set(layer, new RegisteredLayer(this, layer.route !== undefined, path));
      } catch (error) {
        breaker.record(error);
      }
      return result;
    } as HostFunction;

  const route = (original: HostFunction): HostFunction =>
    function route(this: Router, path?: unknown): unknown {
      const result = Reflect.apply(original, this, arguments);
      try {
        const registered = new RegisteredLayer(this, true, path);
        const layer = this.stack?.at(-1);
        if (layer !== undefined) registeredLayers.set(layer, registered);
        if (typeof result === 'object' && result !== null) registeredLayers.set(result, registered);
      } catch (error) {
        breaker.record(error);
      }
      return result;
    } as HostFunction;

  const param = (original: HostFunction): HostFunction =>
    function param(this: Router, name?: unknown, callback?: unknown, ...rest: never[]): unknown {
      if (typeof callback !== 'function') {
        return Reflect.apply(original, this, arguments);
      }
      try {
        // Decided here, so that routers without callbacks for parameters have no additional call.
        wrapInherited(this, 'process_params', (process) => processParams(process, context));
      } catch (error) {
        breaker.record(error);
      }
      return Reflect.apply(original, this, [
        name,
        paramCallback(this, callback as HostFunction, context),
        ...rest,
      ] as never[]);
    } as HostFunction;

  return {
    undo: [wrapMethod(target, 'use', use), wrapMethod(target, 'route', route), wrapMethod(target, 'param', param)],
  };
}

/** Whether the first argument of `use` is a handler, or a list of them, rather than a path. */
function isHandler(first: unknown): boolean {
  let value = first;
  while (Array.isArray(value) && value.length > 0) value = value[0];
  return typeof value === 'function';
}

/** Express 4: records the layer that was matched on its request, because the layer itself belongs to all requests. */
function processParams(original: Original, context: InstrumentationContext): HostFunction {
  const breaker = context.errors.breaker('express param');
  return function process_params(
    this: unknown,
    layer?: Layer,
    _called?: unknown,
    request?: Request,
    response?: unknown,
  ): unknown {
    try {
      const registered = layer === undefined || breaker.isOpen ? undefined : registeredLayers.get(layer);
      if (layer !== undefined && registered !== undefined && request !== undefined) {
        const route = routeOf(context, response);
        if (route !== null) {
          route.matchedPattern = patternOf(registered, layer, request);
          route.matchedLayer = layer;
        }
      }
    } catch (error) {
      breaker.record(error);
    }
    return Reflect.apply(original.fn, this, arguments);
  } as HostFunction;
}

/** A callback for a parameter runs before the layer that was matched. It may respond or fail, so the layer is entered here. */
function paramCallback(router: Router, callback: HostFunction, context: InstrumentationContext): HostFunction {
  const breaker = context.errors.breaker('express param');
  return copyFunctionShape(
    function param(this: unknown, request?: Request, response?: unknown): unknown {
      try {
        const route = breaker.isOpen ? null : routeOf(context, response);
        if (route !== null && request !== undefined) enterMatched(route, router, request);
      } catch (error) {
        breaker.record(error);
      }
      return Reflect.apply(callback, this, arguments);
    } as HostFunction,
    callback,
  );
}

function enterMatched(route: ExpressRoute, router: Router, request: Request): void {
  const recorded = route.matchedLayer === null ? undefined : registeredLayers.get(route.matchedLayer);
  if (recorded !== undefined && recorded.owner === router) {
    route.enter(router, recorded.isRoute, route.matchedPattern);
    return;
  }
  const layer = matchedLayer(router, request);
  const registered = layer === undefined ? undefined : registeredLayers.get(layer);
  if (layer !== undefined && registered !== undefined)
    route.enter(registered.owner, registered.isRoute, patternOf(registered, layer, request));
}

/** The layer of a router of the router package, which has no method that gets it. */
function matchedLayer(router: Router, request: Request): Layer | undefined {
  const stack = router.stack ?? [];
  const pattern = matchedPattern(request);
  if (pattern !== undefined) return stack.find((layer) => layer.rawPath === pattern || isOneOf(layer.rawPath, pattern));
  return (
    stack.find((layer) => layer.params !== undefined && layer.params === request.params) ?? stack.find(hasMatchedParams)
  );
}

/** With `mergeParams` the parameters of the request are a new object, so the layer is found by its own parameters. */
function hasMatchedParams({ params }: Layer): boolean {
  return typeof params === 'object' && params !== null && Object.keys(params).length > 0;
}

function isOneOf(paths: unknown, path: unknown): boolean {
  return Array.isArray(paths) && paths.includes(path);
}

/** The pattern that matched, which the router package keeps on the request under a symbol since version 2.3. */
function matchedPattern(request: object): unknown {
  const symbol = Object.getOwnPropertySymbols(request).find(
    ({ description }) => description?.endsWith('matchedRoute') === true,
  );
  return symbol === undefined ? undefined : Reflect.get(request, symbol);
}

/** Has to be called before another request can match the layer. */
function patternOf({ pattern, list }: RegisteredLayer, layer: Layer, request: object): string {
  if (list === null) return pattern;
  const matched = layer.regexp === undefined ? matchedPattern(request) : undefined;
  return matched === undefined ? list.matchedText(layer) : list.textOf(matched);
}

/** The pattern of a layer that runs now. After callbacks for its parameters, it may belong to another request. */
function handledPattern(route: ExpressRoute, registered: RegisteredLayer, layer: Layer, request: Request): string {
  if (registered.list === null) return registered.pattern;
  return route.matchedLayer === layer ? route.matchedPattern : patternOf(registered, layer, request);
}

function patchLayer(exports: unknown, context: InstrumentationContext): Patched {
  const { prototype } = exports as { prototype?: object };
  if (prototype === undefined) return { undo: [] };
  const breaker = context.errors.breaker('express layer');

  const handleRequest = (original: HostFunction): HostFunction =>
    function handleRequest(this: Layer, request: Request, response: unknown, next: unknown): unknown {
      try {
        const registered = breaker.isOpen ? undefined : registeredLayers.get(this);
        if (registered !== undefined) {
          const route = routeOf(context, response);
          route?.enter(registered.owner, registered.isRoute, handledPattern(route, registered, this, request));
        }
      } catch (error) {
        breaker.record(error);
      }
      return (original as (this: unknown, ...args: unknown[]) => unknown).call(this, request, response, next);
    } as HostFunction;

  const handleError = (original: HostFunction): HostFunction =>
    function handleError(this: Layer, error: unknown, request: unknown, response: unknown, next: unknown): unknown {
      try {
        recordError(context, response, error);
      } catch (internalError) {
        breaker.record(internalError);
      }
      return (original as (this: unknown, ...args: unknown[]) => unknown).call(this, error, request, response, next);
    } as HostFunction;

  return {
    undo: [
      wrapMethod(prototype, 'handle_request', handleRequest),
      wrapMethod(prototype, 'handleRequest', handleRequest),
      wrapMethod(prototype, 'handle_error', handleError),
      wrapMethod(prototype, 'handleError', handleError),
    ],
  };
}

/** For OPTIONS without a handler, Express collects the methods of the routes that match, and responds with them. */
function patchRoute(exports: unknown, context: InstrumentationContext): Patched {
  const { prototype } = exports as { prototype?: object };
  if (prototype === undefined) return { undo: [] };
  const breaker = context.errors.breaker('express route');
  const methods = (original: HostFunction): HostFunction =>
    function methods(this: object): unknown {
      try {
        const registered = registeredLayers.get(this);
        if (registered !== undefined) routeOf(context, undefined)?.offerOptions(registered.owner, registered.pattern);
      } catch (error) {
        breaker.record(error);
      }
      return Reflect.apply(original, this, arguments);
    } as HostFunction;
  return { undo: [wrapMethod(prototype, '_options', methods), wrapMethod(prototype, '_methods', methods)] };
}

/** The final handler gets the errors that no layer of the application has handled. */
function patchFinalHandler(exports: unknown, context: InstrumentationContext): Patched {
  if (typeof exports !== 'function') return { undo: [] };
  const original = exports as HostFunction;
  const breaker = context.errors.breaker('express final handler');
  const finalHandler = function finalHandler(this: unknown, _request: unknown, response: unknown): unknown {
    const done = Reflect.apply(original, this, arguments);
    if (typeof done !== 'function') return done;
    return function (this: unknown, error?: unknown): unknown {
      try {
        if (error !== undefined && error !== null) recordError(context, response, error);
      } catch (internalError) {
        breaker.record(internalError);
      }
      return Reflect.apply(done, this, arguments);
    };
  } as HostFunction;
  return { undo: [], exports: copyFunctionShape(finalHandler, original) };
}

type Patch = (exports: unknown, context: InstrumentationContext, module: LoadedModule) => Patched;

function record(module: string, versions: readonly number[], patch: Patch): Instrumentation {
  return { name: 'express', presets: ['express'], module, versions, patch };
}

/** The package itself is not changed. Its version appears in `status()`. */
export const express: Instrumentation = record('express', [4, 5], (exports) => ({ undo: [], exports }));
export const express4Router: Instrumentation = record('express/lib/router', [4], patchRouter);
export const express4Layer: Instrumentation = record('express/lib/router/layer', [4], patchLayer);
export const express4Route: Instrumentation = record('express/lib/router/route', [4], patchRoute);
export const routerPackage: Instrumentation = record('router', [1, 2], patchRouter);
export const routerPackageLayer: Instrumentation = record('router/lib/layer', [1, 2], patchLayer);
export const routerPackageRoute: Instrumentation = record('router/lib/route', [1, 2], patchRoute);
export const finalHandler: Instrumentation = record('finalhandler', [1, 2], patchFinalHandler);
