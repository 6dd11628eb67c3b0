// The machine at hand, seen through files below roots that tests can replace.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { thisHost } from '../../../src/metrics/host.js';

function emptyRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'host-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

test('reads files and block devices below its roots, and is null for what is not there', (t) => {
  const root = emptyRoot(t);
  const host = thisHost({ procRoot: join(root, 'proc'), sysRoot: join(root, 'sys') });
  assert.equal(host.readProc('self/status'), null);
  assert.equal(host.blockDevices(), null);
  mkdirSync(join(root, 'proc/self'), { recursive: true });
  writeFileSync(join(root, 'proc/self/status'), 'Threads:\t7\n');
  for (const name of ['sda', 'dm-0']) mkdirSync(join(root, 'sys/block', name), { recursive: true });
  assert.equal(host.readProc('self/status'), 'Threads:\t7\n');
  assert.equal(host.readProc('self'), null, 'a folder');
  assert.deepEqual([...(host.blockDevices() ?? [])].sort(), ['dm-0', 'sda']);
});

test('knows the memory and the usage of this process', () => {
  const host = thisHost();
  assert.equal(host.platform, process.platform);
  assert.equal(host.totalMemory(), totalmem());
  assert.equal(host.constrainedMemory(), process.constrainedMemory());
  const before = process.resourceUsage().userCPUTime;
  const seen = host.resourceUsage().userCPUTime;
  assert.ok(before <= seen && seen <= process.resourceUsage().userCPUTime);
});

test('reads the files of this Linux', { skip: process.platform === 'linux' ? false : 'no /proc here' }, () => {
  assert.match(thisHost().readProc('self/status') ?? '', /^Threads:\t\d+$/m);
});
