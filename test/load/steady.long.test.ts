import { it } from 'node:test';
import { steadyLoad } from './steady.js';

it('of 200,000 requests at full speed every one has its span, and the heap does not grow', async (t) => {
  t.diagnostic(await steadyLoad({ warmUpRequests: 50_000, requests: 200_000, blocks: 100, allowedGrowth: 1024 }));
});
