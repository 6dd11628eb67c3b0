// Which requests are served, and the responses to all others.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { TestAgent } from '../../../support/agent/test-agent.js';
import { ask, sendRaw } from '../support.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start();
});
afterEach(() => agent.close());

test('responds to unknown paths with 404 and to other methods with 405', async () => {
  assert.equal((await ask(agent, 'GET', '/api/nothing')).status, 404);
  const { status, headers } = await ask(agent, 'DELETE', '/api/stats');
  assert.deepEqual([status, headers['allow']], [405, 'GET']);
});

test('gives no file of the machine, whatever the path', async () => {
  const paths = [
    '/../../etc/passwd',
    '/..%2f..%2fetc/passwd',
    '/api/../../../etc/passwd',
    '/.git/config',
    '/%2e%2e/etc/passwd',
    '//etc/passwd',
  ];
  for (const path of paths) {
    const response = await sendRaw(agent.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    assert.match(response, /^HTTP\/1\.1 404 /, path);
    assert.doesNotMatch(response, /^location:/im);
  }
  assert.match(
    await sendRaw(agent.port, 'GET file:///etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    / 400 /,
  );
});
