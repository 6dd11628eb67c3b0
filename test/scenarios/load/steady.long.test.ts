import { it } from 'node:test';
import { steadyLoad } from './steady.js';

// Few samples: each forced collection frees the hidden classes of what is not alive just then, and the code that is
// optimised anew for them stays, with the sensor and without.
it('of 200,000 requests at full speed every one has its span, and the heap does not grow', async (t) => {
  t.diagnostic(await steadyLoad({ warmUpRequests: 50_000, requests: 200_000, blocks: 40, allowedGrowth: 1024 }));
});
