// The inventory service, with the framework that is installed here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '../support.js';
import { withService } from './sample-service.js';

test('serves stock, unknown articles and a failing audit with Koa', { timeout: 40_000 }, async () => {
  await withService('inventory', {}, async (service, framework) => {
    assert.equal(framework, 'koa');
    const all = (await ask(service, 'GET', '/stock')).json as unknown[];
    assert.deepEqual([all.length, all[0]], [10, { sku: 0, name: 'lamp' }]);
    assert.deepEqual((await ask(service, 'GET', '/stock/2')).json, { sku: '2', name: 'table' });
    for (const sku of ['10', 'x']) assert.equal((await ask(service, 'GET', `/stock/${sku}`)).status, 404);
    assert.equal((await ask(service, 'GET', '/audit/daily')).status, 500);
  });
});
