// Environment variables.
import assert from 'node:assert/strict';
import test from 'node:test';
import { environment } from '../../../src/config/environment.js';

test('the variables are those of the moment, also where an application replaces them all', (t) => {
  const before = process.env;
  t.after(() => {
    process.env = before;
  });
  assert.equal(environment(), before);
  process.env = { INSTANA_SERVICE_NAME: 'shop' };
  assert.equal(environment()['INSTANA_SERVICE_NAME'], 'shop');
});
