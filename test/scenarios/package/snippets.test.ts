// Every script and every command of the documents is run, in an empty project with the packed package.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startAgent } from '../../../src/devtools/start-agent.js';
import { bareEnvironment, type Consumer, type Ended, makeConsumer, run } from '../../support/consumer.js';
import { type Block, blocksOf, documentNames, tableRows } from '../../support/documents.js';
import { repositoryRoot } from '../../support/run-app.js';

type LocalAgent = Awaited<ReturnType<typeof startAgent>>;

let consumer: Consumer;
let agent: LocalAgent;
before(async () => {
  agent = await startAgent({ port: 0, quiet: true });
  consumer = await makeConsumer();
  consumer.link('express', 'koa', '@koa/router', 'ejs');
  consumer.put('visitor.cjs', visitor);
  // What a user's own `npm start` does.
  const { dependencies } = JSON.parse(readFileSync(join(consumer.folder, 'package.json'), 'utf8')) as Manifest;
  consumer.put('package.json', JSON.stringify({ name: 'shop', scripts: { start: 'node app.js' }, dependencies }));
  for (const block of blocks) if (isFile(block)) consumer.put(fileOf(block), block.text);
});
after(async () => {
  consumer.remove();
  await agent.close();
});

interface Manifest {
  readonly scripts?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
}

/** Loaded before everything else: visits the server that a script starts, and ends the process when it has been answered. */
const visitor = `
const http = require('node:http');
const { listen } = http.Server.prototype;
// A person takes longer to type a request than the agent to learn the service's name, a second after the announcement.
async function known() {
  const { status } = require('@instana/ts-sensor');
  while (status().agent.state !== 'ready') await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise((resolve) => setTimeout(resolve, 1500));
}
http.Server.prototype.listen = function () {
  listen.call(this, 0, '127.0.0.1', async () => {
    if (process.env.VISIT_SLOWLY) await known();
    const { port } = this.address();
    const path = process.env.VISIT_EXACTLY ?? (process.env.VISIT ?? '/things') + '/1?a=b';
    http.get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let page = '';
      response.setEncoding('utf8').on('data', (text) => { page += text; }).on('end', () => setImmediate(() => {
        const { 'content-security-policy': policy = '' } = response.headers;
        console.log('answer', JSON.stringify({ page, policy }));
        const sensor = globalThis[Symbol.for('@instana/ts-sensor')];
        const { finished, dropped } = sensor?.status().spans ?? {};
        console.log('visited', response.statusCode, 'spans', sensor ? finished - (dropped.unsampled ?? 0) : 'none');
        if (process.env.VISIT_END) return process.kill(process.pid, process.env.VISIT_END);
        (process.env.VISIT_SLOWLY ? sensor.flush() : Promise.resolve()).then(() => process.exit(0));
      }));
    });
  });
  return this;
};
`;

const blocks: readonly Block[] = documentNames().flatMap(blocksOf);

interface Exception {
  readonly document: string;
  /** The first line of the block. */
  readonly first: string;
  readonly reason: string;
}

const needsDocker =
  'building an image takes a container engine and a registry; what it runs in the container is tried below';
/** Blocks that are not run, each with its reason. The text blocks are compared with what is printed, or are drawings. */
const exceptions: readonly Exception[] = [
  { document: 'docs/docker-and-kubernetes.md', first: 'FROM node:24-slim', reason: needsDocker },
  { document: 'docs/docker-and-kubernetes.md', first: 'FROM node:24-slim', reason: needsDocker },
  {
    document: 'docs/docker-and-kubernetes.md',
    first: 'apiVersion: apps/v1',
    reason: 'a manifest takes a cluster; its variables are checked with all others, its NODE_OPTIONS is tried below',
  },
  {
    document: 'Configuration.md',
    first: 'env:',
    reason: 'the part of such a manifest that names the agent; its variable is checked with all others',
  },
];

/** Scripts, and the views that some of them render. */
function isFile({ language }: Block): boolean {
  return language === 'js' || language === 'ejs';
}

/** The name that the first line of a script or a view tells. */
function fileOf({ document, line, text }: Block): string {
  const name = /^(?:\/\/|<%#) (\S+\.(?:[cm]?js|ejs))(?: %>)?\n/.exec(text)?.[1];
  assert.ok(name !== undefined, `${document}:${line}: the first line of a script tells its file's name`);
  return name;
}

function environment(): Record<string, string> {
  return {
    NODE_OPTIONS: `-r ${join(consumer.folder, 'visitor.cjs')}`,
    INSTANA_AGENT_PORT: String(agent.port),
    INSTANA_EUM_API_KEY: 'key-of-the-website',
  };
}

/** The path that a script's server has a page at. */
function pathOf(script: string): string {
  return /\.get\('(\/\w+)\/:id'/.exec(script)?.[1] ?? '/things';
}

/** A page with the snippet has the trace of its request, and the policy's nonce in each script. */
function verifyPage(script: string, stdout: string): void {
  if (!script.includes('eumSnippet')) return;
  const answer = /^answer (.*)$/m.exec(stdout)?.[1] ?? '{}';
  const { page, policy } = JSON.parse(answer) as { page: string; policy: string }; // as the visitor writes it
  assert.match(
    page,
    /<head>.*ineum\('(?:apiKey|key)','key-of-the-website'\);ineum\('traceId','[0-9a-f]{16}'\);.*<\/head>/s,
  );
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
  const elements = page.match(/<script[^>]*>/g) ?? [];
  if (nonce === undefined) assert.deepEqual(elements, ['<script>']);
  else assert.equal(elements.filter((element) => element.includes(` nonce="${nonce}"`)).length, 2);
}

function title({ document, line }: Block, what: string): string {
  return `${document}:${line} ${what}`;
}

test('every block is of a kind that is tried, or is a named exception', () => {
  const known = new Set(['js', 'ejs', 'sh', 'text']);
  const others = blocks.filter((block) => !known.has(block.language) && block !== ignoreFile);
  const named = others.map(({ document, text }) => `${document}: ${text.slice(0, text.indexOf('\n'))}`);
  assert.deepEqual(named.sort(), exceptions.map(({ document, first }) => `${document}: ${first}`).sort());
});

const ignoreFile = blocks.find(({ language, text }) => language === 'yaml' && text.includes('ignore-endpoints:'));

test('the file of ignored endpoints is read as it is shown', async () => {
  assert.ok(ignoreFile !== undefined);
  const path = consumer.put('ignored.yaml', ignoreFile.text);
  const visits = [
    ['/health', 0],
    ['/ready', 0],
    ['/hello', 1],
  ] as const;
  for (const [visited, spans] of visits) {
    const env = { ...environment(), VISIT_EXACTLY: visited, INSTANA_IGNORE_ENDPOINTS_PATH: path };
    const args = ['-r', '@instana/ts-sensor/bootstrap', 'app.js'];
    const { stdout, stderr } = await run(process.execPath, args, { cwd: consumer.folder, env });
    assert.equal(unexpected(stderr), '');
    assert.match(stdout, new RegExp(`^visited 200 spans ${spans}$`, 'm'), visited);
  }
});

test('the paths and flags for images start the sensor, whatever the current directory is', async () => {
  const documents = blocks.filter(({ document }) => document === 'docs/docker-and-kubernetes.md');
  const flags = documents
    .filter(({ language }) => language === 'dockerfile' || language === 'yaml')
    .flatMap(({ text }) => [...text.matchAll(/--(?:require|import) \/app\/\S+?(?=["\s])/g)].map(([flag]) => flag));
  const table = tableRows('docs/docker-and-kubernetes.md', 'flag').map((row) => row.join(' ').replaceAll('`', ''));
  assert.equal(flags.length, 2);
  assert.equal(table.length, 2);
  for (const flag of new Set([...flags, ...table])) {
    const NODE_OPTIONS = `${environment()['NODE_OPTIONS']} ${flag.replace('/app/', `${consumer.folder}/`)}`;
    const env = { ...environment(), NODE_OPTIONS };
    const { stdout, stderr } = await run(process.execPath, [join(consumer.folder, 'app.js')], { cwd: '/', env });
    assert.equal(unexpected(stderr), '', flag);
    assert.match(stdout, /^visited 200 spans 1$/m, flag);
  }
});

test('the server that handles SIGTERM delivers its span and exits with code 0', async () => {
  const received = async (): Promise<number> => {
    const stats = (await (await fetch(`${agent.url}/api/stats`)).json()) as { spans: { received: number } };
    return stats.spans.received;
  };
  const before = await received();
  const env = { ...environment(), VISIT_END: 'SIGTERM' };
  const args = ['-r', '@instana/ts-sensor/bootstrap', 'shutdown.js'];
  const { code, signal, stdout } = await run(process.execPath, args, { cwd: consumer.folder, env });
  assert.match(stdout, /^visited 200 spans 1$/m);
  assert.deepEqual({ code, signal }, { code: 0, signal: null });
  assert.equal(await received(), before + 1);
});

test('npm fails with NODE_OPTIONS that name the package before it is installed, as the page says', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'ts-sensor-empty-'));
  try {
    writeFileSync(join(cwd, 'package.json'), '{}');
    const env = { NODE_OPTIONS: '--require @instana/ts-sensor/bootstrap' };
    const { code, stderr } = await run('npm', ['ci'], { cwd, env });
    assert.notEqual(code, 0);
    assert.match(stderr, /Cannot find module '@instana\/ts-sensor\/bootstrap'/);
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
});

test('no two scripts share a name', () => {
  const names = blocks.filter(isFile).map(fileOf);
  assert.deepEqual(names, [...new Set(names)]);
});

test('every view is rendered by a script', () => {
  const scripts = blocks.filter(({ language }) => language === 'js').map(({ text }) => text);
  for (const view of blocks.filter(({ language }) => language === 'ejs')) {
    const name = fileOf(view).replace(/^views\/|\.ejs$/g, '');
    assert.ok(scripts.join().includes(`render('${name}'`), name);
  }
});

for (const block of blocks.filter(({ language }) => language === 'js')) {
  test(title(block, fileOf(block)), async () => {
    // A server that does not start the sensor itself is one of a user's, who preloads it.
    const isServer = /\blisten\(/.test(block.text);
    const startsItself = /\b(configure|wrapListener|middleware)\(/.test(block.text);
    const preload = isServer && !startsItself ? ['--import', '@instana/ts-sensor/bootstrap'] : [];
    const options = { cwd: consumer.folder, env: { ...environment(), VISIT: pathOf(block.text) } };
    const { code, stdout, stderr } = await run(process.execPath, [...preload, fileOf(block)], options);
    assert.equal(unexpected(stderr), '');
    assert.equal(code, 0);
    if (!isServer) return;
    assert.match(stdout, /^visited 200 spans 1$/m);
    verifyPage(block.text, stdout);
  });
}

/** Without the line that is promised, and without what npm has to say about the machine's own settings. */
function unexpected(stderr: string): string {
  return stderr.replaceAll(/^(\[ts-sensor\] info: Instana agent found|npm warn).*\n/gm, '');
}

/** The commands of a block, one a line, as a newcomer types them. */
function commandsOf({ text }: Block): string[] {
  return text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

for (const block of blocks.filter(({ language }) => language === 'sh')) {
  for (const command of commandsOf(block)) test(title(block, command), () => tryCommand(command, block));
}

async function tryCommand(command: string, { document, line }: Block): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as Manifest & {
    name: string;
  };
  if (/^npm ci( --ignore-scripts --prefix (test\/peers\/node-\d+|bench\/peers))?$/.test(command))
    return peerExists(command);
  if (command === `npm install ${manifest.name}`) return;
  const npmScript = /^npm (?:run )?(start|test|check|bench|test:long)( -- [\w -]+)?$/.exec(command)?.[1];
  if (npmScript !== undefined) {
    // Not run from here: it would build anew below the tests. What it starts is run by the tests below.
    assert.ok(manifest.scripts?.[npmScript] !== undefined, command);
    return;
  }
  const asked = /^curl '?http:\/\/127\.0\.0\.1:42699(\/[^\s']*)'?$/.exec(command)?.[1];
  if (asked !== undefined) {
    const answer = await fetch(agent.url + asked);
    assert.equal(answer.status, 200);
    await answer.json();
    return;
  }
  const flags = /^npx ts-sensor agent((?: --[a-z]+)*)$/.exec(command)?.[1];
  if (flags !== undefined) return agentStarts(flags.split(' ').filter((flag) => flag !== ''));
  const isRunnable = /^((INSTANA_\w+|OTEL_\w+|NODE_OPTIONS)=(\S+|"[^"]*") )*(node|npm start)\b/.test(command);
  assert.ok(isRunnable, `${document}:${line}: no way is known to try: ${command}`);
  const file = /\S+\.m?js$/.exec(command)?.[0] ?? 'app.js';
  const script = readFileSync(join(consumer.folder, file), 'utf8');
  const { code, stderr, stdout } = await shell(command, pathOf(script));
  assert.equal(code, 0, stderr);
  assert.equal(unexpected(stderr), '');
  if (!script.includes('listen(')) return;
  verifyPage(script, stdout);
  const isTraced = !command.includes('INSTANA_BOOTSTRAP=runtime');
  assert.match(stdout, new RegExp(`^visited 200 spans ${isTraced ? 1 : 0}$`, 'm'));
}

function peerExists(command: string): void {
  const peer = /(test\/peers\/[\w-]+|bench\/peers)/.exec(command)?.[0] ?? '.';
  readFileSync(join(repositoryRoot, peer, 'package-lock.json'));
}

function shell(command: string, path: string): Promise<Ended> {
  const { NODE_OPTIONS = '', ...rest } = { ...environment(), VISIT: path };
  // A command that sets NODE_OPTIONS itself keeps what it says.
  const visited = command.replace(/NODE_OPTIONS="/, `NODE_OPTIONS="${NODE_OPTIONS} `);
  const env = command.includes('NODE_OPTIONS=') ? rest : { ...rest, NODE_OPTIONS };
  return run('bash', ['-c', visited], { cwd: consumer.folder, env });
}

/** Runs the agent until it is stopped, as by Ctrl-C; resolves with its exit code. */
async function agentRuns(
  flags: readonly string[],
  onText: (text: string, child: ChildProcess) => void | Promise<void>,
): Promise<number | null> {
  const bin = join(consumer.folder, 'node_modules/.bin/ts-sensor');
  const child = spawn(bin, ['agent', '--port', '0', ...flags], {
    cwd: consumer.folder,
    env: bareEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const giveUp = setTimeout(() => child.kill('SIGKILL'), 10_000);
  for await (const chunk of child.stdout.setEncoding('utf8')) await onText(String(chunk), child);
  clearTimeout(giveUp);
  return ended;
}

async function agentStarts(flags: readonly string[]): Promise<void> {
  let text = '';
  const ended = await agentRuns(flags, (chunk, child) => {
    text += chunk;
    if (text.includes('Start a server with it')) child.kill('SIGINT');
  });
  assert.equal(ended, 0);
  // Before that, one line if another process has the port for OTLP.
  assert.match(text, /^Instana agent on http:\/\/127\.0\.0\.1:\d+, JSON under /m);
}

/** A line with all that differs between two runs taken out. */
function masked(line: string): string {
  return line
    .replaceAll(/\b[0-9a-f]{16}\b/g, 'ID')
    .replaceAll(/\d+/g, 'N')
    .replaceAll(/ +/g, ' ')
    .trimEnd();
}

/** The block of a document that shows what is printed. */
function printedIn(document: string): Block {
  const shown = blocks.find((block) => block.document === document && block.language === 'text');
  assert.ok(shown !== undefined, document);
  return shown;
}

/** Lines that a block shows and the text does not have. */
function missingFrom(text: string, shown: Block): string[] {
  const printed = new Set(text.split('\n').map(masked));
  return shown.text
    .split('\n')
    .map(masked)
    .filter((line) => !printed.has(line));
}

test('README.md shows what the agent really prints of the first request', async () => {
  let text = '';
  let port = '';
  const traced = agentRuns([], async (chunk, child) => {
    text += chunk;
    if (port === '' && text.includes('Start a server with it')) {
      port = /:(\d+), JSON under/.exec(text)?.[1] ?? '';
      const env = { ...environment(), INSTANA_AGENT_PORT: port, VISIT_EXACTLY: '/hello', VISIT_SLOWLY: '1' };
      const args = ['-r', '@instana/ts-sensor/bootstrap', 'app.js'];
      assert.equal((await run(process.execPath, args, { cwd: consumer.folder, env })).code, 0);
    }
    if (text.includes('/hello')) child.kill('SIGINT');
  });
  assert.equal(await traced, 0);
  assert.deepEqual(missingFrom(text, printedIn('README.md')), [], text);
});

test('docs/local-agent.md shows what the demo really prints', async () => {
  const bin = join(consumer.folder, 'node_modules/.bin/ts-sensor');
  const { code, stdout, stderr } = await run(bin, ['demo', '--once', '--port', '0'], { cwd: consumer.folder });
  assert.equal(code, 0);
  assert.deepEqual(missingFrom(`${stdout}\n${stderr}`, printedIn('docs/local-agent.md')), [], `${stdout}\n${stderr}`);
});
