import { it } from 'node:test';
import { steadyLoad } from './steady.js';

// So few requests tell a leak of some bytes per request from the growth of the runtime itself only roughly; the long run is exact.
const allowedGrowth = 64 * 1024;

it('of 20,000 requests at full speed every one has its span, and the heap does not grow', async (t) => {
  t.diagnostic(await steadyLoad({ warmUpRequests: 5000, requests: 20_000, blocks: 25, allowedGrowth }));
});
