// The storefront service with its inventory, with the framework that is installed here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '../support.js';
import { withService } from './sample-service.js';

test('serves products, orders, failing checkouts and reports with Express', { timeout: 40_000 }, async () => {
  await withService('inventory', {}, async (inventory) => {
    const env = { DEMO_INVENTORY_URL: `http://127.0.0.1:${inventory.port}` };
    await withService('storefront', env, async (storefront, framework) => {
      assert.equal(framework, 'express');
      assert.equal(((await ask(storefront, 'GET', '/products')).json as unknown[]).length, 10);
      const order = await ask(storefront, 'GET', '/orders/1002');
      assert.deepEqual(order.json, { id: '1002', items: [{ sku: '2', name: 'table' }] });
      const cases = [
        ['GET', '/orders/unknown', 404],
        ['POST', '/checkout/1002', 500],
        ['GET', '/search?q=lamp', 200],
        ['GET', '/reports/daily', 502],
      ] as const;
      for (const [method, path, status] of cases) {
        assert.equal((await ask(storefront, method, path)).status, status, path);
      }
    });
  });
});
