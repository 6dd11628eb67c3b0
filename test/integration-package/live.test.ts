// The package and what a real process sends agree in both directions: every reference is sent, everything sent is told of.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { metricScope } from '../../src/protocol/metric-registry.js';
import { readCapture } from '../../tools/integration-package/capture.js';
import { readPackageFolder } from '../../tools/integration-package/package-folder.js';
import { referencesOf } from '../../tools/integration-package/references.js';
import { findingText } from '../../tools/integration-package/validate.js';
import { validateAgainstCapture } from '../../tools/integration-package/validate-capture.js';
import { payloadFindings } from '../../tools/integration-package/validate-payloads.js';
import { otherNode } from '../support/consumer.js';
import { appsFolder, repositoryRoot } from '../support/run-app.js';

const integration = join(repositoryRoot, 'integration-package');
const collections = 25;
const exportsWanted = 3;

interface Export {
  readonly body: unknown;
  readonly instance: string;
}

let receiver: Server;
const received: Export[] = [];
const watchers = new Set<() => void>();
const children: ChildProcessWithoutNullStreams[] = [];

function instanceOf(body: unknown): string {
  const [instance = ''] = readCapture([body]).resource.get('service.instance.id') ?? [];
  return instance;
}

before(async () => {
  receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer); // without an encoding there are buffers only
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (request.url === '/v1/metrics') received.push({ body, instance: instanceOf(body) });
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end('{}');
    for (const watcher of watchers) watcher();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});

after(async () => {
  await Promise.all(children.map(end));
  receiver.closeAllConnections();
  receiver.close();
});

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.stdin.on('error', () => {}); // one that has ended by itself meanwhile
  child.stdin.write('end\n');
  const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
  await exited;
  clearTimeout(kill);
}

/** Starts the application with the sensor; resolves once it works. */
function start(node: string = process.execPath): Promise<ChildProcessWithoutNullStreams> {
  const { port } = receiver.address() as AddressInfo; // it listens on a port, not on a path
  const env = {
    PATH: process.env['PATH'],
    INSTANA_AGENT_HOST: '127.0.0.1',
    INSTANA_AGENT_PORT: '9',
    INSTANA_SERVICE_NAME: 'shop',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_METRIC_EXPORT_INTERVAL: '1000',
  };
  const args = ['--expose-gc', '-r', join(repositoryRoot, 'build', 'src', 'bootstrap.js')];
  const app = join(appsFolder, 'runtime-load.cjs');
  const child = spawn(node, [...args, app], { env });
  children.push(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  return new Promise((resolve, reject) => {
    child.stdout.once('data', () => resolve(child));
    child.once('exit', (code) => reject(new Error(`the application ended with ${code}: ${errors}`)));
  });
}

/** Resolves as soon as it holds, or after twenty seconds: the assertions that follow tell which. */
function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      clearTimeout(timer);
      watchers.delete(look);
      resolve();
    };
    const timer = setTimeout(() => {
      watchers.delete(look);
      resolve();
    }, 20_000);
    watchers.add(look);
    look();
  });
}

function countsOf(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { instance } of received) counts.set(instance, (counts.get(instance) ?? 0) + 1);
  return counts;
}

async function agree(node?: string, major?: number): Promise<void> {
  received.length = 0;
  const child = await start(node);
  // Once there was an export, collections are counted.
  await until(() => received.length >= 1);
  child.stdin.write(`collect ${collections}\n`);
  await until(() => received.length >= exportsWanted);
  assert.ok(received.length >= exportsWanted, `${received.length} exports`);
  await end(child);
  const bodies = received.map(({ body }) => body);
  const collected = `metrics.sums.${metricScope}/process.runtime.nodejs.gc_count{type="major"}`;
  const options = { ...(major !== undefined && { major }), atLeast: { [collected]: collections } };
  const findings = validateAgainstCapture(integration, bodies, options);
  assert.deepEqual(findings.map(findingText), []);
  assert.deepEqual(payloadFindings(bodies).map(findingText), []);
}

test('the package and a process that works agree on every metric, series, unit, kind and tag', async () => {
  assert.ok(referencesOf(readPackageFolder(integration)).length > 150);
  await agree();
});

for (const major of [22, 24, 26]) {
  const node = otherNode(major);
  const skip = 'missing' in node ? node.missing : false;
  test(`so they do on Node.js ${major}`, { skip }, () => agree('path' in node ? node.path : undefined, major));
}

test('two processes of one service are two instances, and neither sends series of the other', async () => {
  received.length = 0;
  const pair = await Promise.all([start(), start()]);
  await until(() => [...countsOf().values()].filter((count) => count >= 2).length >= 2);
  await Promise.all(pair.map(end));
  assert.equal(countsOf().size, 2);
  const captures = [...countsOf().keys()].map((id) =>
    readCapture(received.filter(({ instance }) => instance === id).map(({ body }) => body)),
  );
  for (const { resource } of captures) {
    assert.deepEqual([...(resource.get('service.name') ?? [])], ['shop']);
    assert.equal(resource.get('service.instance.id')?.size, 1);
    assert.equal(resource.get('process.pid')?.size, 1);
  }
});
