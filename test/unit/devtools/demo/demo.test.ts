// The demo, with a stub in place of the sensor.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { runDemo } from '../../../../src/devtools/demo/demo.js';

const preload = join(__dirname, '../stub-sensor.js');
const never = new Promise<void>(() => {});

test('ends after the first trace through both services, which it has printed', { timeout: 40_000 }, async () => {
  let printed = '';
  const write = (text: string) => {
    printed += text;
  };
  await runDemo({ port: 0, once: true, stopped: never, preload, write });
  assert.match(
    printed,
    /storefront {2}GET .*\n└─ calls http:\/\/127\.0\.0\.1.*\/stock.*\n {3}└─ inventory {2}GET \/stock/,
  );
  assert.match(printed, /JSON under http:\/\/127\.0\.0\.1:\d+\/api\/traces/);
});

test('says so when it is stopped before the first trace', { timeout: 40_000 }, async () => {
  const stopped = new Promise<void>((resolve) => setTimeout(resolve, 500));
  const noSensor = join(__dirname, '../support.js');
  await assert.rejects(
    runDemo({ port: 0, once: true, stopped, preload: noSensor, write: () => {} }),
    /stopped before the first trace/,
  );
});

test('says which service ended when one does', { timeout: 40_000 }, async () => {
  const broken = join(__dirname, 'no-such-file.js');
  await assert.rejects(
    runDemo({ port: 0, once: true, stopped: never, preload: broken, write: () => {} }),
    /inventory ended unexpectedly/,
  );
});

test('does not start on a taken port', async () => {
  const other = createServer((_request, response) => response.setHeader('Server', 'nginx').end('<html>'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo; // A TCP server has an address of this shape.
  const demo = runDemo({ port, once: false, stopped: never, preload, write: () => {} });
  await assert.rejects(demo, /is taken by a server that is not an Instana agent \(Server: nginx\)/);
  other.close();
});
