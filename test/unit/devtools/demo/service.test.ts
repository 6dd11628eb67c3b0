// A sample service as a child process.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { DemoService } from '../../../../src/devtools/demo/service.js';
import { TestAgent } from '../../../support/agent/test-agent.js';
import { waitUntil } from '../../../support/agent/wait-until.js';

const preload = join(__dirname, '../stub-sensor.js');
const missing = join(__dirname, 'no-such-file.js');
const inventory = join(__dirname, '../../../../src/devtools/demo/inventory.js');
const serviceFile = join(__dirname, '../../../../src/devtools/demo/service.js');

test('starts, is stopped, and reports an unexpected end', { timeout: 40_000 }, async () => {
  const options = { name: 'inventory', script: inventory, agentPort: 1, env: {} };
  const service = new DemoService({ ...options, preload: 'node:path' });
  await service.started();
  assert.equal((await fetch(`${service.url}/stock`)).status, 200);
  let isReported = false;
  service.ended().catch(() => {
    isReported = true;
  });
  await service.stop();
  await assert.rejects(fetch(`${service.url}/stock`));
  await service.stop();
  assert.equal(isReported, false, 'a stop is no unexpected end');
  await assert.rejects(
    new DemoService({ ...options, preload: missing }).started(),
    /inventory ended unexpectedly \(exit code 1\)/,
  );
});

test('leaves no service behind when the demo itself is killed', { timeout: 40_000 }, async (t) => {
  const agent = await TestAgent.start();
  t.after(() => agent.close());
  const options = { name: 'inventory', script: inventory, preload, agentPort: agent.port, env: {} };
  const code = `
    const { DemoService } = require(${JSON.stringify(serviceFile)});
    void new DemoService(${JSON.stringify(options)}).started();
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['-e', code], { stdio: 'inherit' });
  const ended = new Promise((resolve) => parent.once('exit', resolve));
  t.after(() => parent.kill('SIGKILL'));
  const pid = await waitUntil(() => agent.processes.views()[0]?.pid, 'the announce of the service');
  assert.ok(isAlive(pid));
  parent.kill('SIGKILL');
  await ended;
  await waitUntil(() => !isAlive(pid), 'the end of the service');
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
