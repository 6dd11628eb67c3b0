// The last spans of a process that ends: a child sends them in its exit event to receivers in this process.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

interface Received {
  readonly path: string;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
}

interface Receiver {
  readonly port: number;
  readonly received: Received[];
}

/** A receiver on loopback; one that hangs takes requests and never responds. */
async function receive(t: TestContext, { hangs = false, status = 200 } = {}): Promise<Receiver> {
  const received: Received[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding is set, so chunks are buffers
    received.push({ path: request.url ?? '', text: Buffer.concat(chunks).toString(), headers: request.headers });
    if (!hangs) response.writeHead(status).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, received }; // a listening TCP server has this form
}

/** A request with these bodies, as source text. */
const request = (port: number, path: string, bodies: readonly string[], headers = {}): string =>
  `{ host: '127.0.0.1', port: ${port}, path: ${JSON.stringify(path)}, headers: ${JSON.stringify(headers)}, bodies: ${JSON.stringify(bodies)}.map((text) => Buffer.from(text)) }`;

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What the process wrote, and how long the flush blocked it. */
  readonly stdout: string;
  readonly blockedMs: number;
}

/** A process that ends with `code` and sends `requests` in its exit event. */
async function run(
  requests: readonly string[],
  timeoutMs: number,
  { code = 0, nodeArguments = [] as string[] } = {},
): Promise<End> {
  const file = join(__dirname, '../../../src/export/exit-flush.js');
  const program = `
    const { flushAtExit } = require(${JSON.stringify(file)});
    const { writeSync } = require('node:fs');
    const threads = require('node:worker_threads');
    threads.Worker = class extends threads.Worker {
      constructor(...given) {
        super(...given);
        writeSync(1, 'worker\\n');
      }
    };
    process.exitCode = ${code};
    process.on('exit', () => {
      const start = performance.now();
      flushAtExit([${requests.join(', ')}], ${timeoutMs});
      writeSync(1, 'blocked ' + (performance.now() - start) + '\\n');
    });`;
  const child = spawn(process.execPath, [...nodeArguments, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = setTimeout(() => child.kill('SIGKILL'), 20_000);
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(kill);
  return {
    code: exitCode,
    signal,
    stdout: stdout.replace(/^blocked .*\n/m, ''),
    blockedMs: Number(/^blocked (.*)$/m.exec(stdout)?.[1]),
  };
}

const patienceMs = 60_000;

test('delivers all bodies to every receiver, in their order, and keeps the exit code', async (t) => {
  const [first, second] = [await receive(t), await receive(t, { status: 500 })];
  const end = await run(
    [request(first.port, '/a', ['[1]', '["grün"]', '[3]']), request(second.port, '/b', ['[4]'], { 'X-Key': 'k' })],
    patienceMs,
    { code: 7 },
  );
  assert.deepEqual([end.code, end.signal], [7, null]);
  assert.deepEqual(
    first.received.map(({ path, text }) => [path, text]),
    [
      ['/a', '[1]'],
      ['/a', '["grün"]'],
      ['/a', '[3]'],
    ],
  );
  const [last] = second.received;
  assert.equal(last?.text, '[4]');
  assert.equal(last?.headers['x-key'], 'k');
  assert.equal(last?.headers['content-type'], 'application/json; charset=UTF-8');
});

test('sends nothing and makes no worker when there is nothing to send', async () => {
  const { code, stdout } = await run([], patienceMs);
  assert.deepEqual([code, stdout], [0, '']);
});

test('gives up a receiver that does not respond when the time is over', async (t) => {
  const receiver = await receive(t, { hangs: true });
  const { code, blockedMs } = await run([request(receiver.port, '/', ['[1]', '[2]'])], 800, { code: 3 });
  assert.equal(code, 3);
  assert.ok(blockedMs >= 790, `${blockedMs} ms`);
  assert.equal(receiver.received.length, 1);
});

test('does not wait for its time when a receiver refuses the connection', async (t) => {
  const receiver = await receive(t);
  const { code, signal } = await run(
    [request(1, '/', ['[1]', '[2]']), request(receiver.port, '/', ['[3]'])],
    patienceMs,
  );
  assert.deepEqual([code, signal], [0, null]);
  assert.deepEqual(
    receiver.received.map(({ text }) => text),
    ['[3]'],
  );
});

test('lets no receiver hold up the others', async (t) => {
  const [hanging, healthy] = [await receive(t, { hangs: true }), await receive(t)];
  await run([request(hanging.port, '/', ['[1]']), request(healthy.port, '/', ['[2]', '[3]'])], 3000);
  assert.deepEqual(
    healthy.received.map(({ text }) => text),
    ['[2]', '[3]'],
  );
});

test('runs none of the preloads of the application in the worker', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-exit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const preload = join(folder, 'preload.cjs');
  writeFileSync(preload, "require('node:fs').writeSync(1, 'preloaded\\n');");
  const receiver = await receive(t);
  const { stdout } = await run([request(receiver.port, '/', ['[1]'])], patienceMs, { nodeArguments: ['-r', preload] });
  assert.equal(stdout, 'preloaded\nworker\n');
  assert.equal(receiver.received.length, 1);
});
