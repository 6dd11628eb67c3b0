// The headers of every response.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { TestAgent } from '../../../support/agent/test-agent.js';
import { ask } from '../support.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start();
});
afterEach(() => agent.close());

test('puts the guarding headers on every response, also on errors', async () => {
  for (const path of ['/', '/api/traces', '/api/stats', '/nothing', '/api/traces/unknown']) {
    const { headers } = await ask(agent, 'GET', path);
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/, path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['cache-control'], 'no-store', path);
  }
});
