import assert from 'node:assert/strict';
import { it } from 'node:test';
import { flatPaths, joinPatterns, patternText } from '../../../src/instrumentation/route-pattern.js';

it('a pattern is the text of the application without doubled slashes and the last one', () => {
  for (const [path, text] of [
    ['/users/:id', '/users/:id'],
    ['/users/', '/users'],
    ['/', ''],
    ['', ''],
    ['//a///b//', '/a/b'],
    ['users', 'users'],
    [/^\/re\/(\d+)$/i, '/^\\/re\\/(\\d+)$/i'],
    [undefined, ''],
    [7, ''],
    [null, ''],
    [{}, ''],
  ] as const) {
    assert.equal(patternText(path), text);
  }
});

it('patterns of nested routers are put together with one slash', () => {
  for (const [prefix, pattern, joined] of [
    ['', '', ''],
    ['/api', '', '/api'],
    ['', '/users', '/users'],
    ['/api', '/users/:id', '/api/users/:id'],
    ['/api', 'users', '/api/users'],
    ['/api', '/^\\/re$/', '/api/^\\/re$/'],
  ] as const) {
    assert.equal(joinPatterns(prefix, pattern), joined);
  }
});

it('paths in lists of lists are one list', () => {
  assert.deepEqual(flatPaths(['/a', ['/b', ['/c']]]), ['/a', '/b', '/c']);
  assert.deepEqual(flatPaths('/a'), ['/a']);
  assert.deepEqual(flatPaths([]), []);
});
