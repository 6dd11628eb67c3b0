// What a process that serves nothing pays for the sensor's own work.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'node:test';
import { waitUntil } from '../../support/agent/wait-until.js';
import { bareEnvironment } from '../../support/consumer.js';
import { repositoryRoot } from '../../support/run-app.js';
import { FakeAgent } from '../../unit/agent/fake-agent.js';

test('asynchronous hooks stay off while metrics go out, until the first request', async (t) => {
  const agent = await new FakeAgent().listen();
  t.after(() => agent.close());
  // Without hooks Node.js numbers no promise, and the id inside one is 0; with async context frames (Node.js 24) it always is.
  const app = `
    const { executionAsyncId } = require('node:async_hooks');
    const http = require('node:http');
    const idInsidePromise = () => Promise.resolve().then(executionAsyncId);
    const server = http.createServer((req, res) => res.end()).listen(0, '127.0.0.1');
    process.stdin.once('end', async () => {
      const idle = await idInsidePromise();
      http.get({ port: server.address().port }, (res) => res.resume().on('end', async () => {
        console.log(JSON.stringify({ idle, hooked: (await idInsidePromise()) !== 0 }));
        process.exit();
      }));
    });
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['-r', join(repositoryRoot, 'build', 'src', 'bootstrap.js'), '-e', app], {
    cwd: repositoryRoot,
    env: { ...bareEnvironment(), INSTANA_AGENT_HOST: '127.0.0.1', INSTANA_AGENT_PORT: String(agent.port) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  await waitUntil(() => agent.of('metrics').length >= 2, 'metrics');
  child.stdin.end();
  await once(child, 'close');
  const { idle, hooked } = JSON.parse(stdout) as { idle: number; hooked: boolean };
  assert.equal(idle, 0);
  const [major = 0] = process.versions.node.split('.').map(Number);
  assert.equal(hooked, major < 24);
});
