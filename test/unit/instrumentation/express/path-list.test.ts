// Lists of paths with the layers of Express 4 itself.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type ListLayer, PathList, type PathOptions } from '../../../../src/instrumentation/express/path-list.js';
import { appsFolder } from '../../../support/run-app.js';

interface Layer extends ListLayer {
  match(path: string): boolean;
}

const load = createRequire(join(appsFolder, 'versions', 'express-4', 'app.cjs'));
const LayerClass = load('express/lib/router/layer.js') as new (
  paths: unknown,
  options: PathOptions,
  handle: () => void,
) => Layer;

function matched(paths: readonly unknown[], path: string, options: Partial<PathOptions> = {}): string {
  const all = { end: true, strict: false, sensitive: false, ...options };
  const layer = new LayerClass(paths, all, () => {});
  assert.equal(layer.match(path), true, path);
  return new PathList(paths, all).matchedText(layer);
}

describe('the path of a list that a layer has matched', () => {
  it('is the first one that matches, wherever it stands', () => {
    const paths = Array.from({ length: 100 }, (_, index) => `/p${index}/:id`);
    for (const index of [0, 15, 16, 17, 47, 98, 99]) assert.equal(matched(paths, `/p${index}/x`), `/p${index}/:id`);
    assert.equal(matched([...paths, '/p16/a', '/last'], '/p16/a'), '/p16/:id');
    assert.equal(matched([...paths, '/p16/a', '/last'], '/last'), '/last');
  });

  it('follows the options of the router', () => {
    assert.equal(matched(['/a', '/A'], '/A'), '/a');
    assert.equal(matched(['/a', '/A'], '/A', { sensitive: true }), '/A');
    assert.equal(matched(['/a/x', '/:id/x/'], '/a/x/', { strict: true }), '/:id/x');
    assert.equal(matched(['/a/x', '/:id/x/'], '/a/x/'), '/a/x');
    assert.equal(matched(['/a', '/a/b'], '/a/b/c', { end: false }), '/a');
  });

  it('may be an expression, an optional part or anything', () => {
    assert.equal(matched(['/b', /^\/a(\d)$/], '/a1'), '/^\\/a(\\d)$/');
    assert.equal(matched(['/b', '/a/:id?'], '/a'), '/a/:id?');
    assert.equal(matched(['/b', '*'], '/anything'), '*');
  });

  it('is compiled once', () => {
    let compiled = 0;
    class Counted extends LayerClass {
      constructor(paths: unknown, options: PathOptions, handle: () => void) {
        super(paths, options, handle);
        compiled++;
      }
    }
    const options = { end: true, strict: false, sensitive: false };
    const paths = Array.from({ length: 40 }, (_, index) => `/p${index}`);
    const layer = new Counted(paths, options, () => {});
    const list = new PathList(paths, options);
    layer.match('/p39');
    assert.equal(list.matchedText(layer), '/p39');
    const afterFirst = compiled;
    for (let request = 0; request < 10; request++) assert.equal(list.matchedText(layer), '/p39');
    assert.equal(compiled, afterFirst);
  });

  it('is the first path of a layer that is unknown or has not matched', () => {
    const list = new PathList(['/a', '/b'], { end: true, strict: false, sensitive: false });
    assert.equal(list.matchedText({}), '/a');
    assert.equal(list.matchedText({ path: '/b' }), '/a');
    assert.equal(list.matchedText({ path: '/b', matchers: [() => false, () => ({})] }), '/b');
  });
});
