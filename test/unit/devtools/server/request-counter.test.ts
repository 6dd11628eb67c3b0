// Counters of requests, in a bounded number.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestCounter } from '../../../../src/devtools/server/request-counter.js';

test('counts by method and path', () => {
  const counter = new RequestCounter();
  for (const method of ['GET', 'POST', 'GET']) counter.count(method, '/a');
  assert.deepEqual(counter.counts(), { 'GET /a': 2, 'POST /a': 1 });
});

test('counts further paths as other once there are 500, and cuts long ones', () => {
  const counter = new RequestCounter();
  for (let path = 0; path < 600; path++) counter.count('GET', `/${path}`);
  counter.count('GET', '/7');
  const counts = counter.counts();
  assert.deepEqual([Object.keys(counts).length, counts['other'], counts['GET /7']], [501, 100, 2]);
  const long = new RequestCounter();
  long.count('GET', `/${'x'.repeat(1000)}`);
  assert.deepEqual(Object.keys(long.counts()), [`GET /${'x'.repeat(199)}`]);
});
