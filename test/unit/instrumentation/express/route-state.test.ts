import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExpressRoute, RegisteredLayer } from '../../../../src/instrumentation/express/route-state.js';

const app = {};
const router = {};
const inner = {};
/** A response while a layer handles its request, and one after all layers have passed it on. */
const handled = { req: { method: 'GET', next: () => {} } };
const exhausted = { req: { method: 'GET' } };

function route(...steps: readonly (readonly [owner: object, isRoute: boolean, pattern: string])[]): ExpressRoute {
  const state = new ExpressRoute();
  for (const step of steps) state.enter(...step);
  return state;
}

describe('the template of an Express request', () => {
  it('is the pattern of the route that ran', () => {
    assert.equal(route([app, false, ''], [app, true, '/users/:id']).template(200, handled), '/users/:id');
  });

  it('has the patterns of the routers before it', () => {
    const state = route([app, false, '/api'], [router, false, '/:version'], [inner, true, '/users/:id']);
    assert.equal(state.template(200, handled), '/api/:version/users/:id');
  });

  it('is / for the root', () => {
    assert.equal(route([app, true, '']).template(200, handled), '/');
    assert.equal(route([app, false, '/api'], [router, true, '']).template(200, handled), '/api');
  });

  it('is that of the last route that was entered', () => {
    assert.equal(route([app, true, '/:any'], [app, true, '/users']).template(200, handled), '/users');
  });

  it('drops the routers that the request has left', () => {
    const state = route([app, false, '/a'], [router, false, '/b'], [app, false, '/c'], [router, true, '/d']);
    assert.equal(state.template(200, handled), '/c/d');
  });

  it('is the mount path if a middleware responds', () => {
    assert.equal(route([app, false, '/static']).template(200, handled), '/static');
    assert.equal(route([app, false, '']).template(200, handled), null);
    assert.equal(new ExpressRoute().template(200, handled), null);
  });

  it('is none for the 404 of Express, unless an error led to it', () => {
    const state = route([app, true, '/users/:id']);
    assert.equal(state.template(404, exhausted), null);
    assert.equal(state.template(404, handled), '/users/:id');
    state.fail();
    assert.equal(state.template(404, exhausted), '/users/:id');
  });

  it('is none if all middlewares have passed the request on', () => {
    assert.equal(route([app, false, '/static']).template(200, exhausted), null);
    assert.equal(route([app, false, '/static']).template(200, {}), null);
  });

  it('is that of the first route that matches OPTIONS, if Express responds for it', () => {
    const state = route([app, false, '/api']);
    state.offerOptions(router, '/users/:id');
    state.offerOptions(router, '/:any');
    assert.equal(state.template(200, { req: { method: 'OPTIONS' } }), '/api/users/:id');
    assert.equal(state.template(200, { req: { method: 'GET', next: () => {} } }), '/api');
    const root = new ExpressRoute();
    root.offerOptions(app, '');
    assert.equal(root.template(200, { req: { method: 'OPTIONS' } }), '/');
  });
});

describe('a registered layer', () => {
  it('has its pattern, and a list only if there are several paths', () => {
    const single = new RegisteredLayer(app, true, '/a/');
    assert.deepEqual([single.owner, single.isRoute, single.pattern, single.list], [app, true, '/a', null]);
    const several = new RegisteredLayer(app, false, ['/a', ['/b', /c/]]);
    assert.equal(several.pattern, '/a');
    assert.equal(several.list?.textOf('/b'), '/b');
    assert.equal(new RegisteredLayer(app, false, [/^\/c$/i]).pattern, '/^\\/c$/i');
  });
});
