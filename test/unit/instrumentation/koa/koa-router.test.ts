import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { koaRoute, koaRouterScoped } from '../../../../src/instrumentation/koa/koa-router.js';
import { ToolBox } from '../tool-box.js';

const builtin = { folder: undefined };

interface Ctx {
  res: ServerResponse;
  method: string;
  matched?: { path: unknown; methods: string[] }[];
  routerPath?: unknown;
  response?: { _explicitStatus?: boolean };
}

type Dispatch = (ctx: Ctx, next: () => unknown) => unknown;

/** A traced request of a Koa application. */
class Request {
  readonly box: ToolBox = new ToolBox();
  readonly ctx: Ctx;

  constructor(method = 'GET') {
    const request = new IncomingMessage(new Socket());
    const res = new ServerResponse(request);
    this.box.tools.entrySpans.begin(request, res);
    this.ctx = { res, method };
  }

  /** Ends the request, and returns the template of its span. */
  end(status = 200): string | undefined {
    this.ctx.res.statusCode = status;
    this.box.tools.entrySpans.end(this.ctx.res, false);
    assert.deepEqual(this.box.faults.counts(), {});
    return this.box.spans()[0]?.data.http?.path_tpl;
  }
}

/** The shape of a router: `routes` returns what an application uses as its middleware. */
function routerClass(run: Dispatch): { new (): { routes(): Dispatch }; prototype: { routes(): Dispatch } } {
  return class Router {
    routes(): Dispatch {
      return run;
    }
  };
}

describe('a router of Koa', () => {
  const users = { path: '/users/:id', methods: ['GET', 'HEAD'] };
  const logger = { path: '/users/(.*)', methods: [] };
  const all = { path: '/(.*)', methods: ['GET'] };

  function template(
    request: Request,
    layers: { matched: Ctx['matched']; routerPath?: unknown },
    { status = 200, passesOn = false } = {},
  ): string | undefined {
    const Router = routerClass((ctx, next) => {
      Object.assign(ctx, layers);
      return passesOn ? next() : 'result';
    });
    koaRouterScoped.patch({ Router }, request.box.tools, builtin);
    const result = new Router().routes()(request.ctx, () => 'next');
    assert.equal(result, passesOn ? 'next' : 'result');
    return request.end(status);
  }

  it('has the path of the route that ran', () => {
    assert.equal(template(new Request(), { matched: [users], routerPath: '/users/:id' }), '/users/:id');
    assert.equal(template(new Request(), { matched: [{ path: '/', methods: ['GET'] }], routerPath: '/' }), '/');
  });

  it('has the last route before a middleware, of those for the method', () => {
    const matched = [all, users, logger];
    assert.equal(template(new Request(), { matched, routerPath: logger.path }), '/users/:id');
    assert.equal(template(new Request('POST'), { matched, routerPath: logger.path }), undefined);
    assert.equal(template(new Request(), { matched: [logger, users], routerPath: logger.path }), undefined);
  });

  it('has none without a match, and for the 404 of Koa', () => {
    assert.equal(template(new Request(), { matched: [] }), undefined);
    const layers = { matched: [users], routerPath: users.path };
    assert.equal(template(new Request(), layers, { status: 404, passesOn: true }), undefined);
    assert.equal(template(new Request(), layers, { status: 404 }), '/users/:id');
    const explicit = new Request();
    explicit.ctx.response = { _explicitStatus: true };
    assert.equal(template(explicit, layers, { status: 404, passesOn: true }), '/users/:id');
  });

  it('has the path to which `allowedMethods` responds', () => {
    assert.equal(template(new Request('OPTIONS'), { matched: [logger, users] }), '/users/:id');
    assert.equal(template(new Request('PUT'), { matched: [users] }, { status: 405 }), '/users/:id');
    assert.equal(template(new Request('PUT'), { matched: [users] }), undefined);
  });

  it('is wrapped once, if `middleware` calls `routes`', () => {
    const { box } = new Request();
    const run: Dispatch = () => 'result';
    class Router {
      routes(): Dispatch {
        return run;
      }
      middleware(): Dispatch {
        return this.routes();
      }
    }
    const { undo } = koaRouterScoped.patch(Router, box.tools, builtin);
    const router = new Router();
    const wrapped = router.middleware();
    assert.notEqual(wrapped, run);
    assert.deepEqual([wrapped.name, wrapped.length], [run.name, run.length]);
    for (const each of undo) each?.();
    assert.equal(router.routes(), run);
  });

  it('may be something else', () => {
    for (const exports of [{}, { default: 1 }, () => 1])
      assert.deepEqual(koaRouterScoped.patch(exports, new ToolBox().tools, builtin), { undo: [] });
  });
});

describe('koa-route', () => {
  type Handler = (ctx: Ctx) => unknown;
  /** The module: it returns a middleware, or a function that takes the handler. */
  const exportsOf = (): Record<string, (path: unknown, handler?: Handler, ...rest: unknown[]) => unknown> => ({
    get: (_path, handler, ...rest) =>
      handler === undefined ? (late: Handler) => late : Object.assign((ctx: Ctx) => handler(ctx), { rest }),
  });

  for (const [form, path, expected] of [
    ['a text', '/users/:id', '/users/:id'],
    ['a regular expression', /^\/a/i, '/^\\/a/i'],
    ['a regular expression without flags', /^\/a/, '/^\\/a/'],
    ['the root', '/', '/'],
  ] as const) {
    it(`has the path of its handler: ${form}`, () => {
      const request = new Request();
      const route = exportsOf();
      koaRoute.patch(route, request.box.tools, builtin);
      const middleware = route['get']?.(path, () => 'result', 'option') as Handler & { rest: unknown };
      assert.deepEqual([middleware(request.ctx), middleware.rest], ['result', ['option']]);
      assert.equal(request.end(), expected);
    });
  }

  it('has the path of a handler that is passed later', () => {
    const request = new Request();
    const route = exportsOf();
    koaRoute.patch(route, request.box.tools, builtin);
    const handler: Handler = (ctx) => ctx.method;
    const add = route['get']?.('/late') as (handler: Handler) => Handler; // without a handler, as koa-route does
    const middleware = add(handler);
    assert.deepEqual([middleware.name, middleware.length], ['handler', 1]);
    assert.equal(middleware(request.ctx), 'GET');
    assert.equal(request.end(), '/late');
  });
});
