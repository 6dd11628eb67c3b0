// The patches of Express on routers made by the test, in the shapes of Express 4 and of the router package.
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import {
  express,
  express4Layer,
  finalHandler,
  routerPackage,
  routerPackageLayer,
  routerPackageRoute,
} from '../../../../src/instrumentation/express/express.js';
import { ToolBox } from '../tool-box.js';

const builtin = { folder: undefined };
type Handler = (...args: unknown[]) => unknown;

/** A layer of the router package, which tests use through the patched prototype. */
class Layer {
  readonly handle: Handler;
  readonly route: object | undefined;
  readonly params: Record<string, string> | undefined;
  readonly path: string | undefined;

  constructor(handle: Handler, route?: object, params?: Record<string, string>, path?: string) {
    this.handle = handle;
    this.route = route;
    this.params = params;
    this.path = path;
  }

  handleRequest(req: unknown, res: unknown, next: unknown): unknown {
    return this.handle(req, res, next);
  }

  handleError(error: unknown, req: unknown, res: unknown, next: unknown): unknown {
    return this.handle(error, req, res, next);
  }
}

class Route {
  _methods(): string[] {
    return ['GET'];
  }
}

/** A router that makes its layers and routes with the classes of its subclass. */
class Router {
  readonly stack: Layer[] = [];
  callback: Handler | undefined;

  /** Adds a layer for each handler. */
  use(...args: unknown[]): this {
    for (const handle of args.flat(9))
      if (typeof handle === 'function') this.stack.push(this.makeLayer(handle as Handler));
    return this;
  }

  route(_path: unknown): Route {
    const route = this.makeRoute();
    this.stack.push(this.makeLayer(() => 'routed', route));
    return route;
  }

  param(_name: unknown, callback?: unknown): this {
    if (typeof callback === 'function') this.callback = callback as Handler;
    return this;
  }

  makeLayer(handle: Handler, route?: object): Layer {
    return new Layer(handle, route);
  }

  makeRoute(): Route {
    return new Route();
  }
}

/** Fresh classes for each test, because their prototypes are patched. */
function patchedRouter(box: ToolBox, isDisabled = false): typeof Router {
  class PatchedLayer extends Layer {}
  class PatchedRoute extends Route {}
  class PatchedRouter extends Router {
    override makeLayer(handle: Handler, route?: object): Layer {
      return new PatchedLayer(handle, route);
    }
    override makeRoute(): Route {
      return new PatchedRoute();
    }
  }
  const context = { ...box.tools, state: { isDisabled } };
  routerPackage.patch(PatchedRouter, context, builtin);
  routerPackageLayer.patch(PatchedLayer, context, builtin);
  routerPackageRoute.patch(PatchedRoute, context, builtin);
  return PatchedRouter;
}

/** A traced request. */
class Request {
  readonly box: ToolBox;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;

  constructor(box: ToolBox, method = 'GET') {
    this.box = box;
    this.req = Object.assign(new IncomingMessage(new Socket()), { method, next: () => {} });
    this.res = new ServerResponse(this.req);
    box.tools.entrySpans.begin(this.req, this.res);
  }

  end(): { template: string | undefined; error: string | undefined } {
    this.box.tools.entrySpans.end(this.res, false);
    assert.deepEqual(this.box.faults.counts(), {});
    const { path_tpl: template, error } = this.box.spans()[0]?.data.http ?? {};
    return { template, error };
  }
}

describe('a router of Express', () => {
  it('gives the request the pattern of the route that runs', () => {
    const box = new ToolBox();
    const router = new (patchedRouter(box))();
    const request = new Request(box);
    const { req, res } = request;
    router.route('/users/:id');
    assert.equal(router.stack[0]?.handleRequest(req, res, undefined), 'routed');
    assert.deepEqual(request.end(), { template: '/users/:id', error: undefined });
  });

  it('adds the pattern of a router that is mounted', () => {
    const box = new ToolBox();
    const PatchedRouter = patchedRouter(box);
    const [router, inner] = [new PatchedRouter(), new PatchedRouter()];
    router.use('/api', () => {});
    inner.route('/users');
    const request = new Request(box);
    const { req, res } = request;
    router.stack[0]?.handleRequest(req, res, undefined);
    inner.stack[0]?.handleRequest(req, res, undefined);
    assert.equal(request.end().template, '/api/users');
  });

  for (const [form, args, template] of [
    ['a handler', [() => {}], undefined],
    ['a list of handlers', [[[() => {}]]], undefined],
    ['a path and handlers', ['/a', () => {}], '/a'],
    ['a regular expression', [/^\/b/, () => {}], '/^\\/b/'],
  ] as const) {
    it(`has layers that are added with ${form}`, () => {
      const box = new ToolBox();
      const router = new (patchedRouter(box))();
      assert.equal(router.use(...args), router);
      const request = new Request(box);
      const { req, res } = request;
      for (const layer of router.stack) layer.handleRequest(req, res, undefined);
      assert.equal(request.end().template, template);
    });
  }

  it('finds out which of several paths has matched, when the layer runs', () => {
    const box = new ToolBox();
    const router = new (patchedRouter(box))();
    router.use(['/a', '/b/:id'], () => {});
    const [layer] = router.stack;
    assert.ok(layer);
    const request = new Request(box);
    const { req, res } = request;
    Object.assign(req, { [Symbol('matchedRoute')]: '/b/:id' }); // as the router package does since 2.3
    layer.handleRequest(req, res, undefined);
    assert.equal(request.end().template, '/b/:id');
  });

  it('enters the layer before a callback for its parameter', () => {
    const box = new ToolBox();
    const router = new (patchedRouter(box))();
    const params = { id: '7' };
    const route = router.route('/users/:id');
    assert.ok(route);
    const [layer] = router.stack;
    Object.assign(layer ?? {}, { params });
    const seen: unknown[] = [];
    function callback(this: unknown, ...args: unknown[]): string {
      seen.push(this, ...args);
      return 'called';
    }
    router.param('id', callback);
    assert.deepEqual([router.callback?.name, router.callback?.length], ['callback', 0]);
    const request = new Request(box);
    const { req, res } = request;
    Object.assign(req, { params });
    assert.equal(router.callback?.call('self', req, res, 'next', '7'), 'called');
    assert.deepEqual(seen, ['self', req, res, 'next', '7']);
    assert.equal(request.end().template, '/users/:id');
  });

  it('reports the error that a layer gets, but not the words to leave a route or router', () => {
    const box = new ToolBox();
    const router = new (patchedRouter(box))();
    router.use('/a', () => 'handled');
    const [layer] = router.stack;
    const request = new Request(box);
    const { req, res } = request;
    for (const word of ['route', 'router', undefined, null]) layer?.handleError(word, req, res, undefined);
    assert.equal(layer?.handleError(new Error('bad'), req, res, undefined), 'handled');
    layer?.handleError(new Error('second'), req, res, undefined);
    assert.equal(request.end().error, 'Error: bad');
  });

  it('has the pattern of a route to which Express responds for OPTIONS', () => {
    const box = new ToolBox();
    const route = new (patchedRouter(box))().route('/users');
    const request = new Request(box, 'OPTIONS');
    const span = box.tools.entrySpans.spanOf(request.res);
    assert.ok(span);
    // Express calls it without the response, which the asynchronous context has.
    box.scope.apply(span, () => assert.deepEqual(route._methods(), ['GET']), undefined, []);
    Object.assign(request.req, { next: undefined });
    assert.equal(request.end().template, '/users');
  });

  it('is left alone while Express is disabled', () => {
    const box = new ToolBox();
    const router = new (patchedRouter(box, true))();
    router.route('/a');
    const request = new Request(box);
    const { req, res } = request;
    router.stack[0]?.handleRequest(req, res, undefined);
    router.stack[0]?.handleError(new Error('bad'), req, res, undefined);
    assert.deepEqual(request.end(), { template: undefined, error: undefined });
  });

  it('is restored by undo', () => {
    class Restored extends Router {}
    const { undo } = routerPackage.patch({ default: Restored }, new ToolBox().tools, builtin);
    assert.ok(Object.hasOwn(Restored.prototype, 'use'));
    for (const each of undo) each?.();
    assert.deepEqual(Object.getOwnPropertyNames(Restored.prototype), ['constructor']);
  });

  it('may be something else', () => {
    const { tools } = new ToolBox();
    assert.deepEqual(express4Layer.patch({}, tools, builtin), { undo: [] });
    assert.deepEqual(routerPackageRoute.patch({}, tools, builtin), { undo: [] });
    assert.deepEqual(finalHandler.patch({}, tools, builtin), { undo: [] });
  });
});

describe('the final handler of Express', () => {
  it('reports the error that it gets, and calls the original', () => {
    const box = new ToolBox();
    const calls: unknown[][] = [];
    function original(...args: unknown[]): Handler {
      calls.push(args);
      return (...rest) => {
        calls.push(rest);
        return 'done';
      };
    }
    const { exports } = finalHandler.patch(original, box.tools, builtin) as { exports: typeof original };
    assert.equal(exports.name, 'original');
    const request = new Request(box);
    const { req, res } = request;
    const done = exports(req, res);
    assert.equal(done(), 'done');
    const error = new Error('unhandled');
    assert.equal(done(error), 'done');
    assert.deepEqual(calls, [[req, res], [], [error]]);
    assert.equal(request.end().error, 'Error: unhandled');
  });

  it('may return something else', () => {
    const { exports } = finalHandler.patch(() => 7, new ToolBox().tools, builtin) as { exports: Handler };
    assert.equal(exports({}, {}), 7);
  });
});

describe('the package of Express', () => {
  it('is not changed', () => {
    const exports = (): void => {};
    assert.deepEqual(express.patch(exports, new ToolBox().tools, builtin), { undo: [], exports });
  });
});
