// The vendor's own command on our package: it lints it strictly, and imports every file into a server on loopback.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { asList, asObject, asText, type JsonObject } from '../../tools/integration-package/json.js';
import { packageName } from '../../tools/integration-package/manifest.js';
import { appsFolder, repositoryRoot } from '../support/run-app.js';

const command = process.env['STANCTL_INTEGRATION'] ?? '';
const missing = 'STANCTL_INTEGRATION does not name the command stanctl-integration: it is not on the registry of npm';
const skip = command === '' ? missing : false;

interface Call {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly body: JsonObject;
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

let folder = '';
let server: Server;
let registry: Server;
const calls: Call[] = [];
/** What the server has of entities, and says when one comes a second time. */
const entities = new Map<string, JsonObject>();

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // without an encoding there are buffers only
  return Buffer.concat(chunks).toString('utf8');
}

function answer({ method, path, body }: Call): { readonly status: number; readonly json: unknown } {
  if (!path.startsWith('/api/custom-entitytypes')) return { status: 200, json: { id: 'new' } };
  if (method === 'GET') {
    const id = decodeURIComponent(path.split('/')[3] ?? '');
    return { status: 200, json: id === '' ? [...entities.values()] : entities.get(id) };
  }
  if (method === 'PUT') return { status: 200, json: body };
  const id = asText(body['label']) ?? '';
  if (entities.has(id)) return { status: 409, json: { conflictingEntityId: id } };
  entities.set(id, { ...body, id });
  return { status: 201, json: { id } };
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const text = await read(request);
  const call = {
    method: request.method ?? '',
    path: request.url ?? '',
    token: request.headers.authorization ?? '',
    body: text === '' ? {} : asObject(JSON.parse(text)),
  };
  calls.push(call);
  const { status, json } = answer(call);
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(json));
}

function listen(made: Server): Promise<void> {
  return new Promise((resolve) => made.listen(0, '127.0.0.1', resolve));
}

function portOf(made: Server): number {
  const address = made.address() as AddressInfo; // it listens on a port, not on a path
  return address.port;
}

before(async () => {
  if (skip !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'ts-sensor-cli-'));
  cpSync(join(repositoryRoot, 'integration-package'), folder, { recursive: true });
  const certificate = join(appsFolder, 'certificate');
  server = createHttpsServer(
    { key: readFileSync(join(certificate, 'key.pem')), cert: readFileSync(join(certificate, 'cert.pem')) },
    (request, response) => void receive(request, response),
  );
  // Stands where the public registry would be asked for the version that is published: it knows none.
  registry = createHttpServer((_, response) => {
    response.writeHead(404, { 'Content-Type': 'application/json' });
    response.end('{"error":"not_found"}');
  });
  await Promise.all([listen(server), listen(registry)]);
});

after(() => {
  if (skip !== false) return;
  server.closeAllConnections();
  server.close();
  registry.closeAllConnections();
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the command in the package's folder. A script is run by this Node.js; words in front of it are its own. */
function run(...args: readonly string[]): Promise<Ended> {
  const words = command.split(' ').filter((word) => word !== '');
  const [file = '', ...before] = /\.[cm]?js$/.test(words[0] ?? '') ? [process.execPath, ...words] : words;
  const proxy = `http://127.0.0.1:${portOf(registry)}`;
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    NO_PROXY: '127.0.0.1',
  };
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...before, ...args], { cwd: folder, env });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

function importPackage(): Promise<Ended> {
  calls.length = 0;
  const set = ['--set', 'servicename=shop', '--set', 'serviceinstanceid=host-1:4711'];
  const host = `127.0.0.1:${portOf(server)}`;
  return run('import', '--package', folder, '--server', host, '--token', 'a-token', ...set);
}

function count(kind: string): number {
  return readdirSync(join(folder, kind)).length;
}

/** Dashboards, events and entities, as the log of the command tells them. */
function importedOf(output: string): string[] {
  return [...output.matchAll(/Total files: (\d+) \| (.*?)\s*$/gm)].map(([, total, rest]) => `${total} ${rest}`);
}

test('the command lints the package strictly', { skip }, async () => {
  const { code, output } = await run('lint', '--strict-mode', '--debug');
  assert.equal(code, 0, output);
});

test('the command refuses the package when a heading is missing, so that it did look', { skip }, async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'ts-sensor-cli-'));
  const kept = folder;
  cpSync(folder, elsewhere, { recursive: true });
  rmSync(join(elsewhere, 'README.md'));
  try {
    folder = elsewhere;
    assert.notEqual((await run('lint', '--strict-mode', '--debug')).code, 0);
  } finally {
    folder = kept;
    rmSync(elsewhere, { recursive: true, force: true });
  }
});

test('the command imports every file, with the values that are set', { skip }, async () => {
  const { code, output } = await importPackage();
  assert.equal(code, 0, output);
  const own = count('dashboards') - 1; // the other one comes with the entity
  assert.deepEqual(importedOf(output), [
    `${own} Successfully imported: ${own}`,
    `${count('events')} Successfully imported: ${count('events')}`,
    `${count('entities')} Successfully imported: ${count('entities')}`,
  ]);
  const posted = (path: string): Call[] => calls.filter((call) => call.method === 'POST' && call.path === path);
  assert.equal(posted('/api/custom-dashboard').length, own);
  assert.equal(posted('/api/events/settings/event-specifications/custom').length, count('events'));
  assert.equal(posted('/api/custom-entitytypes').length, count('entities'));
  assert.ok(calls.every(({ token }) => token === 'apiToken a-token'));

  const [dashboard] = posted('/api/custom-dashboard');
  const text = JSON.stringify(dashboard?.body);
  assert.ok(text.includes('"value":"shop"') && text.includes('"value":"host-1:4711"'));
  assert.doesNotMatch(JSON.stringify(calls), /\{\{|&#?\w+;/);

  const [entity] = posted('/api/custom-entitytypes');
  const [inside] = asList(entity?.body['dashboards']);
  const file = JSON.parse(
    readFileSync(join(folder, 'dashboards', basename('ts-sensor-runtime.json')), 'utf8'),
  ) as unknown;
  assert.equal(asObject(inside)['title'], asObject(file)['title']);
  assert.equal(asList(asObject(inside)['widgets']).length, asList(asObject(file)['widgets']).length);
});

test('a second import makes dashboards and events anew, and leaves the entity as it is', { skip }, async () => {
  const { output } = await importPackage();
  assert.equal(calls.filter(({ path }) => path === '/api/custom-dashboard').length, count('dashboards') - 1);
  assert.equal(calls.filter(({ path }) => path.startsWith('/api/events/')).length, count('events'));
  assert.equal(calls.filter(({ method }) => method === 'PUT').length, 0, output);
  assert.equal(entities.size, 1);
});

test('the README names the command, the package and the placeholders that the command takes', () => {
  const readme = readFileSync(join(repositoryRoot, 'integration-package', 'README.md'), 'utf8');
  for (const verb of ['download', 'import'])
    assert.match(readme, new RegExp(`^stanctl-integration ${verb} --package ${packageName} `, 'm'));
  const [, folderToLint = ''] = /^cd (\S+)\nstanctl-integration lint --strict-mode/m.exec(readme) ?? [];
  const manifest = readFileSync(join(repositoryRoot, folderToLint, 'package.json'), 'utf8');
  assert.equal(asObject(JSON.parse(manifest) as unknown)['name'], packageName, 'the folder to lint is of the sources');
  const [, args = ''] = /^stanctl-integration import (.*)$/m.exec(readme) ?? [];
  assert.match(args, /--server [\w.-]+ /);
  for (const [, value = ''] of args.matchAll(/--set \w+=(\S+)/g)) assert.match(value, /^[\w.:/-]+$/);
  assert.deepEqual(
    [...args.matchAll(/--set (\w+)=/g)].map(([, name]) => name),
    ['servicename', 'serviceinstanceid'],
  );
});
