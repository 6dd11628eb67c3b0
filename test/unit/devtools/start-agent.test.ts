// The local agent as a library.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAgent } from '../../../src/devtools/start-agent.js';
import { ask } from './support.js';

test('starts, serves and closes', async () => {
  const agent = await startAgent({ port: 0, quiet: true });
  assert.equal(agent.url, `http://127.0.0.1:${agent.port}`);
  assert.deepEqual((await ask(agent, 'GET', '/')).json, { version: '1.1.999' });
  await assert.rejects(startAgent({ port: agent.port, quiet: true }), /is taken by another Instana agent/);
  await agent.close();
  await assert.rejects(ask(agent, 'GET', '/'));
});

test('listens on both families under the name localhost', async () => {
  const agent = await startAgent({ host: 'localhost', port: 0, quiet: true });
  assert.equal((await fetch(`http://localhost:${agent.port}/`)).status, 200);
  assert.equal((await ask(agent, 'GET', '/')).status, 200);
  await agent.close();
});

test('does not keep the process alive', { timeout: 20_000 }, async () => {
  const library = join(__dirname, '../../../src/devtools/start-agent.js');
  const script = `require(${JSON.stringify(library)}).startAgent({ port: 0, quiet: true }).then(({ port }) => process.stdout.write('on ' + port))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0);
  assert.match(stdout, /^on \d+$/);
});
