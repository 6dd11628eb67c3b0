// The command line, as a child process.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAgent } from '../../../src/devtools/start-agent.js';
import { TestAgent } from '../../support/agent/test-agent.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { metricsDocument } from './otlp-documents.js';
import { ask, idOf, twoServiceTrace } from './support.js';

const cli = join(__dirname, '../../../src/devtools/cli.js');

interface Run {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<number | null>;
}

function run(...args: string[]): Run {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  return { child, output, ended: new Promise((resolve) => child.once('close', resolve)) };
}

/** Waits until the agent has printed how to use it. */
function untilStarted(output: Run['output']): Promise<boolean> {
  return waitUntil(() => output.stdout.includes('\n\n'), 'the first lines', 15_000);
}

test('lists its commands', async () => {
  for (const words of [['--help'], ['agent', '--help'], ['-h'], ['help']]) {
    const { output, ended } = run(...words);
    assert.equal(await ended, 0);
    assert.match(output.stdout, /agent .*\n.*demo /);
  }
});

test('responds to wrong words and numbers with one line and exit code 2', async () => {
  const wrong = [
    [],
    ['fly'],
    ['agent', '--port', 'abc'],
    ['agent', '--port', '65536'],
    ['agent', '--max-spans', '0'],
    ['agent', '--otlp-port', '65536'],
    ['agent', '--prt'],
    ['demo', 'x'],
    ['agent', '--host', 'a b'],
  ];
  for (const words of wrong) {
    const { output, ended } = run(...words);
    assert.equal(await ended, 2, words.join(' '));
    assert.equal(output.stderr.trim().split('\n').length, 1);
    assert.match(output.stderr, /--help/);
  }
});

test('runs the agent, prints a trace as a tree, and ends on SIGTERM', { timeout: 40_000 }, async () => {
  const { child, output, ended } = run('agent', '--port', '0', '--max-spans', '50');
  await untilStarted(output);
  const agent = { port: Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(output.stdout)?.[1]) };
  const [first, second] = twoServiceTrace(idOf(1));
  await ask(agent, 'POST', '/com.instana.plugin.nodejs/traces.1', first);
  await ask(agent, 'POST', '/com.instana.plugin.nodejs/traces.2', second);
  await waitUntil(() => output.stdout.includes('inventory'), 'the trace', 15_000);
  assert.match(output.stdout, /\nstorefront {2}GET \/orders\/:id +200 +34 ms/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  assert.doesNotMatch(output.stdout, /\u001b/, 'no colours in a pipe');
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.equal(output.stderr, '');
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port; // A TCP server has an address of this shape.
}

test('says what holds a taken port, and ends with exit code 1', { timeout: 60_000 }, async () => {
  const nginx = createHttpServer((_request, response) => response.setHeader('Server', 'ng\u0085inx').end('<html>'));
  const banner = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
  const silent = createServer(() => {});
  const agent = await TestAgent.start();
  const cases: [number, RegExp][] = [
    [agent.port, /another Instana agent \(version 1\.1\.999\)/],
    [await listen(nginx), /a server that is not an Instana agent \(Server: ng.*inx\)/],
    [await listen(banner), /something that does not speak HTTP/],
    [await listen(silent), /something that does not speak HTTP/],
  ];
  for (const [port, words] of cases) {
    for (const command of ['agent', 'demo']) {
      const { output, ended } = run(command, '--port', String(port));
      assert.equal(await ended, 1);
      assert.match(output.stderr, words);
      assert.match(output.stderr, /--port chooses another/);
      assert.equal(output.stderr.trim().split('\n').length, 1);
    }
  }
  await agent.close();
  for (const server of [nginx, banner]) server.close();
  silent.close();
  silent.unref();
});

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('takes OTLP on its port, and offers that only with --otlp', { timeout: 40_000 }, async () => {
  for (const offered of [false, true]) {
    const otlpPort = await freePort();
    const { child, output, ended } = run(
      'agent',
      '--port',
      '0',
      '--otlp-port',
      `${otlpPort}`,
      ...(offered ? ['--otlp'] : []),
    );
    await untilStarted(output);
    const agent = { port: Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(output.stdout)?.[1]) };
    assert.match(output.stdout, new RegExp(`OTLP/JSON on port ${agent.port} and ${otlpPort}\n`));
    const { json } = await ask({ port: otlpPort }, 'POST', '/v1/metrics', metricsDocument({ 'process.pid': 7 }, []));
    assert.deepEqual(json, {});
    assert.equal(((await ask(agent, 'GET', '/api/processes')).json as unknown[]).length, 1);
    const announced = await ask(agent, 'PUT', '/com.instana.plugin.nodejs.discovery', { pid: 7 });
    const { tracing } = announced.json as { tracing?: unknown };
    assert.deepEqual(tracing, offered ? { otlp: { enabled: true, port: otlpPort } } : undefined);
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  }
});

test('goes on without the port for OTLP when it is taken, with one line', { timeout: 40_000 }, async () => {
  const holder = createHttpServer((_request, response) => response.setHeader('Server', 'collector').end('{}'));
  const taken = await listen(holder);
  const { child, output, ended } = run('agent', '--port', '0', '--otlp', '--otlp-port', String(taken));
  await untilStarted(output);
  const agent = { port: Number(/Instana agent on http:\/\/127\.0\.0\.1:(\d+)/.exec(output.stdout)?.[1]) };
  const lines = output.stdout.split('\n').filter((line) => line.includes(String(taken)));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /is taken by a server that is not an Instana agent \(Server: collector\).*--otlp-port/);
  const announced = await ask(agent, 'PUT', '/com.instana.plugin.nodejs.discovery', { pid: 7 });
  assert.deepEqual((announced.json as { tracing?: unknown }).tracing, { otlp: { enabled: true, port: agent.port } });
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.equal(output.stderr, '');
  holder.close();
});

test('has no port for OTLP alone with 0, nor by default as a library', { timeout: 20_000 }, async () => {
  const { child, output, ended } = run('agent', '--port', '0', '--otlp-port', '0');
  await untilStarted(output);
  assert.match(output.stdout, /OTLP\/JSON on port \d+\n/);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  const agent = await startAgent({ port: 0, quiet: true });
  assert.equal(agent.otlpPort, 0);
  await agent.close();
  const otlpPort = await freePort();
  const other = await startAgent({ port: 0, quiet: true, otlpPort });
  assert.equal(other.otlpPort, otlpPort);
  await other.close();
});

test('warns when it listens for more than this machine', { timeout: 20_000 }, async () => {
  const { child, output, ended } = run('agent', '--port', '0', '--host', '0.0.0.0');
  await untilStarted(output);
  assert.match(output.stdout, /warning: listening on 0\.0\.0\.0/);
  child.kill('SIGINT');
  assert.equal(await ended, 0);
});
