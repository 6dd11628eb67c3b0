// Express 4 and 5 and the router package beneath: which route a request took, and the error it met.
//
// No function of the application is wrapped. Routers are asked, when a layer is added, what pattern it was added with; when a layer
// runs, that is noted in the request's route state. `req.baseUrl` and `req.route` are not used: the first has values in the place
// of parameters, the second stays set after a route has passed the request on.
import type { RouteState } from '../../spans/span.js';
import type { Instrumentation, InstrumentationContext, LoadedModule, Patched } from '../instrumentation.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { flatPaths, joinPatterns, patternText } from '../route-pattern.js';
import { copyFunctionShape, type HostFunction, wrapMethod } from '../wrap-method.js';

/** A layer of a router's stack, in the shapes of Express 4 and of the router package. */
interface Layer {
  readonly route?: object;
  readonly params?: unknown;
  readonly path?: unknown;
  readonly rawPath?: unknown;
  match?(path: string): unknown;
}

interface Router {
  readonly stack?: Layer[];
}

interface Request {
  readonly method?: unknown;
  readonly params?: unknown;
  readonly next?: unknown;
}

/** What is known of a layer, or of a route, from the moment it was added to its router. */
class RegisteredLayer {
  readonly owner: object;
  readonly isRoute: boolean;
  readonly pattern: string;
  /** Added with a list of paths: which of them matched is found out when the layer runs. */
  readonly alternatives: readonly unknown[] | null;

  constructor(owner: object, isRoute: boolean, path: unknown) {
    const paths = flatPaths(path);
    this.owner = owner;
    this.isRoute = isRoute;
    this.pattern = patternText(paths[0]);
    this.alternatives = paths.length > 1 ? paths : null;
  }
}

/** One router on the way down to the layer that runs now. */
class RouterLevel {
  readonly owner: object;
  readonly prefix: string;
  pattern: string;
  readonly outer: RouterLevel | null;

  constructor(owner: object, prefix: string, pattern: string, outer: RouterLevel | null) {
    this.owner = owner;
    this.prefix = prefix;
    this.pattern = pattern;
    this.outer = outer;
  }
}

/** The way of one request through the routers. */
class ExpressRoute implements RouteState {
  #level: RouterLevel | null = null;
  #route: string | null = null;
  #options: string | null = null;
  #failed = false;

  /** A layer with this pattern runs now; `owner` is the router that it belongs to. */
  enter(owner: object, isRoute: boolean, pattern: string): void {
    let level = this.#level;
    while (level !== null && level.owner !== owner) level = level.outer;
    if (level === null) level = new RouterLevel(owner, this.#mounted(), pattern, this.#level);
    else level.pattern = pattern;
    this.#level = level;
    if (isRoute) this.#route = joinPatterns(level.prefix, pattern);
  }

  /** A route matches the path, but not the method OPTIONS: Express will answer for it. */
  offerOptions(owner: object, pattern: string): void {
    if (this.#options !== null) return;
    let level = this.#level;
    while (level !== null && level.owner !== owner) level = level.outer;
    this.#options = joinPatterns(level === null ? this.#mounted() : level.prefix, pattern);
  }

  fail(): void {
    this.#failed = true;
  }

  template(status: number, response: { readonly req?: unknown }): string | null {
    if (status === 404 && !this.#failed && isExhausted(response)) return null;
    if (this.#route !== null) return this.#route === '' ? '/' : this.#route;
    const { method } = (response.req ?? {}) as Request;
    if (this.#options !== null && method === 'OPTIONS') return this.#options === '' ? '/' : this.#options;
    if (!this.#failed && isExhausted(response)) return null;
    const mounted = this.#mounted();
    return mounted === '' ? null : mounted;
  }

  #mounted(): string {
    return this.#level === null ? '' : joinPatterns(this.#level.prefix, this.#level.pattern);
  }
}

/** The outermost router puts `req.next` back when it has run out of layers. */
function isExhausted({ req }: { readonly req?: unknown }): boolean {
  return typeof (req as Request | undefined)?.next !== 'function';
}

const registeredLayers: PrivateField<RegisteredLayer> = makePrivateField();

/** The state of the request that `response` answers; null when it is not traced or has ended. */
function routeOf({ entrySpans, state }: InstrumentationContext, response: unknown): ExpressRoute | null {
  if (state.isDisabled) return null;
  const http = entrySpans.openSpanOf(response)?.http ?? null;
  if (http === null) return null;
  if (http.route instanceof ExpressRoute) return http.route;
  const route = new ExpressRoute();
  http.route = route;
  return route;
}

function noteError(tools: InstrumentationContext, response: unknown, error: unknown): void {
  // Words by which a handler leaves its route or router; no errors.
  if (!error || error === 'route' || error === 'router' || tools.state.isDisabled) return;
  const span = tools.entrySpans.openSpanOf(response);
  if (span === null) return;
  routeOf(tools, response)?.fail();
  tools.entrySpans.fail(span, error);
}

function patchRouter(exports: unknown, tools: InstrumentationContext): Patched {
  const breaker = tools.errors.breaker('express router');
  // Express 4 exports the object that routers inherit from, the router package a constructor; an ES module has either as default.
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
        const place = new RegisteredLayer(this, true, path);
        const layer = this.stack?.at(-1);
        if (layer !== undefined) registeredLayers.set(layer, place);
        if (typeof result === 'object' && result !== null) registeredLayers.set(result, place);
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
      return Reflect.apply(original, this, [
        name,
        paramCallback(this, callback as HostFunction, tools),
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

/** A callback for a parameter runs before its layer does: it may answer or fail, and then the layer is the one that was matched. */
function paramCallback(router: Router, callback: HostFunction, tools: InstrumentationContext): HostFunction {
  const breaker = tools.errors.breaker('express param');
  return copyFunctionShape(
    function param(this: unknown, request?: Request, response?: unknown): unknown {
      try {
        const route = routeOf(tools, response);
        const layer = route === null || request === undefined ? undefined : matchedLayer(router, request);
        const place = layer === undefined ? undefined : registeredLayers.get(layer);
        if (layer !== undefined && place !== undefined && request !== undefined) {
          route?.enter(place.owner, place.isRoute, patternOf(place, layer, request));
        }
      } catch (error) {
        breaker.record(error);
      }
      return Reflect.apply(callback, this, arguments);
    } as HostFunction,
    callback,
  );
}

function matchedLayer(router: Router, request: Request): Layer | undefined {
  const stack = router.stack ?? [];
  const pattern = matchedPattern(request);
  if (pattern !== undefined) return stack.find((layer) => layer.rawPath === pattern || isOneOf(layer.rawPath, pattern));
  return (
    stack.find((layer) => layer.params !== undefined && layer.params === request.params) ?? stack.find(hasMatchedParams)
  );
}

/** With `mergeParams` the request's parameters are a new object: then the layer that holds values is taken. */
function hasMatchedParams({ params }: Layer): boolean {
  return typeof params === 'object' && params !== null && Object.keys(params).length > 0;
}

function isOneOf(paths: unknown, path: unknown): boolean {
  return Array.isArray(paths) && paths.includes(path);
}

/** Since 2.3 the router package keeps the pattern that matched on the request, under a symbol of its own. */
function matchedPattern(request: object): unknown {
  const symbol = Object.getOwnPropertySymbols(request).find(
    ({ description }) => description?.endsWith('matchedRoute') === true,
  );
  return symbol === undefined ? undefined : Reflect.get(request, symbol);
}

function patternOf(place: RegisteredLayer, layer: Layer, request: object): string {
  if (place.alternatives === null) return place.pattern;
  const matched = matchedPattern(request);
  if (matched !== undefined) return patternText(matched);
  return patternText(place.alternatives.find((path) => matchesAlone(layer, path)) ?? place.alternatives[0]);
}

/** Whether one path of the list would have matched what the layer matched; asked of a layer made for it, once. */
function matchesAlone(layer: Layer, path: unknown): boolean {
  if (typeof layer.path !== 'string') return false;
  const { constructor: LayerClass } = Object.getPrototypeOf(layer) as {
    constructor: new (...args: unknown[]) => Layer;
  };
  const alone = new LayerClass(path, { end: layer.route !== undefined, strict: false, sensitive: false }, () => {});
  return Boolean(alone.match?.(layer.path === '' ? '/' : layer.path));
}

function patchLayer(exports: unknown, tools: InstrumentationContext): Patched {
  const { prototype } = exports as { prototype?: object };
  if (prototype === undefined) return { undo: [] };
  const breaker = tools.errors.breaker('express layer');

  const handleRequest = (original: HostFunction): HostFunction =>
    function handleRequest(this: Layer, request: Request, response: unknown, next: unknown): unknown {
      try {
        const place = breaker.isOpen ? undefined : registeredLayers.get(this);
        if (place !== undefined) {
          const pattern = place.alternatives === null ? place.pattern : patternOf(place, this, request);
          routeOf(tools, response)?.enter(place.owner, place.isRoute, pattern);
        }
      } catch (error) {
        breaker.record(error);
      }
      return (original as (this: unknown, ...args: unknown[]) => unknown).call(this, request, response, next);
    } as HostFunction;

  const handleError = (original: HostFunction): HostFunction =>
    function handleError(this: Layer, error: unknown, request: unknown, response: unknown, next: unknown): unknown {
      try {
        noteError(tools, response, error);
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

/** OPTIONS that no route answers itself: Express collects the methods of the routes that match and answers with them. */
function patchRoute(exports: unknown, tools: InstrumentationContext): Patched {
  const { prototype } = exports as { prototype?: object };
  if (prototype === undefined) return { undo: [] };
  const breaker = tools.errors.breaker('express route');
  const methods = (original: HostFunction): HostFunction =>
    function methods(this: object): unknown {
      try {
        const place = registeredLayers.get(this);
        if (place !== undefined) routeOf(tools, undefined)?.offerOptions(place.owner, place.pattern);
      } catch (error) {
        breaker.record(error);
      }
      return Reflect.apply(original, this, arguments);
    } as HostFunction;
  return { undo: [wrapMethod(prototype, '_options', methods), wrapMethod(prototype, '_methods', methods)] };
}

/** The end of the line: an error that no layer of the application was there to see. */
function patchFinalHandler(exports: unknown, tools: InstrumentationContext): Patched {
  if (typeof exports !== 'function') return { undo: [] };
  const original = exports as HostFunction;
  const breaker = tools.errors.breaker('express final handler');
  const finalHandler = function finalHandler(this: unknown, _request: unknown, response: unknown): unknown {
    const done = Reflect.apply(original, this, arguments);
    if (typeof done !== 'function') return done;
    return function (this: unknown, error?: unknown): unknown {
      try {
        if (error !== undefined && error !== null) noteError(tools, response, error);
      } catch (internalError) {
        breaker.record(internalError);
      }
      return Reflect.apply(done, this, arguments);
    };
  } as HostFunction;
  return { undo: [], exports: copyFunctionShape(finalHandler, original) };
}

type Patch = (exports: unknown, tools: InstrumentationContext, module: LoadedModule) => Patched;

function record(module: string, versions: readonly number[], patch: Patch): Instrumentation {
  return { name: 'express', presets: ['express'], module, versions, patch };
}

/** The package itself: nothing in it is changed, its version is what `status()` shows. */
export const express: Instrumentation = record('express', [4, 5], (exports) => ({ undo: [], exports }));
export const express4Router: Instrumentation = record('express/lib/router', [4], patchRouter);
export const express4Layer: Instrumentation = record('express/lib/router/layer', [4], patchLayer);
export const express4Route: Instrumentation = record('express/lib/router/route', [4], patchRoute);
export const routerPackage: Instrumentation = record('router', [1, 2], patchRouter);
export const routerPackageLayer: Instrumentation = record('router/lib/layer', [1, 2], patchLayer);
export const routerPackageRoute: Instrumentation = record('router/lib/route', [1, 2], patchRoute);
export const finalHandler: Instrumentation = record('finalhandler', [1, 2], patchFinalHandler);
