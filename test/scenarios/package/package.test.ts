// The packed tarball: what is in it, what is not, and that it works where a user installs it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Consumer, makeConsumer, run, runtimePackages } from '../../support/consumer.js';
import { repositoryRoot } from '../../support/run-app.js';

let consumer: Consumer;
before(async () => {
  consumer = await makeConsumer();
});
after(() => consumer.remove());

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly scripts?: Record<string, string>;
  readonly exports: Record<string, unknown>;
  readonly files: string[];
  readonly gypfile?: boolean;
}

function readJson<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(...path), 'utf8')) as T; // files of this repository and of npm
}

function installedFiles(): string[] {
  const folder = join(consumer.folder, 'node_modules/@instana/ts-sensor');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(folder, file)).isFile(),
  );
}

const program = `
  const seen = [typeof tracer.startSpan, typeof eumSnippet, typeof configure, typeof status, typeof flush, typeof middleware, typeof wrapListener];
  const span = tracer.startSpan('work');
  span.finish();
  console.log(JSON.stringify({ seen: [...new Set(seen)], spans: status().spans }));
`;
const names = '{ tracer, eumSnippet, configure, status, flush, middleware, wrapListener }';

test('holds the build and the documents, and nothing else', () => {
  const unexpected = installedFiles().filter(
    (file) =>
      !/^(build\/src\/.+\.(js|mjs|d\.ts|d\.mts|html|css|svg)|build\/src\/sensor\.licences\.txt|[A-Za-z]+\.md|docs\/[a-z-]+\.md|LICENSE|package\.json)$/.test(
        file,
      ),
  );
  assert.deepEqual(unexpected, []);
  const { files } = readJson<Manifest>(repositoryRoot, 'package.json');
  for (const file of [...files.filter((name) => !/^!|\*/.test(name)), 'README.md', 'LICENSE'])
    assert.ok(existsSync(join(repositoryRoot, file)), file);
  const pages = readdirSync(join(repositoryRoot, 'docs')).filter((name) => name.endsWith('.md'));
  assert.deepEqual(
    installedFiles()
      .filter((file) => file.startsWith('docs/'))
      .sort(),
    pages
      .filter((name) => name !== 'benchmarks.md')
      .map((name) => `docs/${name}`)
      .sort(),
  );
});

test('brings the licences of what is bundled in it', () => {
  const text = readFileSync(join(repositoryRoot, 'build/src/sensor.licences.txt'), 'utf8');
  for (const name of ['require-in-the-middle', 'shimmer', 'module-details-from-path'])
    assert.match(text, new RegExp(`^${name}$`, 'm'));
});

test('adds two entries to the cache of modules', async () => {
  const preload = join(repositoryRoot, 'build/src/bootstrap.js');
  const { stdout } = await run(process.execPath, ['-r', preload, '-p', 'JSON.stringify(Object.keys(require.cache))']);
  const entries = JSON.parse(stdout) as string[];
  assert.deepEqual(
    entries.map((path) => path.slice(repositoryRoot.length)),
    ['/build/src/bootstrap.js', '/build/src/process-sensor.js'],
  );
});

test('reads the file of ignored endpoints with a parser that no other process loads', async () => {
  const rules = consumer.put(
    'ignore.yaml',
    'tracing:\n  ignore-endpoints:\n    http:\n      - methods: [get]\n        colour: red\n',
  );
  const list = `JSON.stringify(Object.keys(require.cache).map((path) => require('node:path').basename(path)))`;
  const loaded = async (env: Record<string, string>): Promise<{ files: string[]; stderr: string }> => {
    const arguments_ = ['-r', '@instana/ts-sensor/bootstrap', '-p', list];
    const { stdout, stderr } = await run(process.execPath, arguments_, { cwd: consumer.folder, env });
    return { files: JSON.parse(stdout) as string[], stderr };
  };
  assert.deepEqual(await loaded({}), { files: ['bootstrap.js', 'process-sensor.js'], stderr: '' });
  const { files, stderr } = await loaded({ INSTANA_IGNORE_ENDPOINTS_PATH: rules });
  assert.deepEqual(files, ['bootstrap.js', 'process-sensor.js', 'ignore-file.js']);
  assert.match(stderr, /INSTANA_IGNORE_ENDPOINTS_PATH: http: a rule has lists/);
});

test('is small: under a megabyte unpacked', () => {
  const folder = join(consumer.folder, 'node_modules/@instana/ts-sensor');
  const bytes = installedFiles().reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  assert.ok(bytes < 1024 * 1024, `${bytes} bytes`);
});

test('works from CommonJS', async () => {
  const file = consumer.put('app.cjs', `const ${names} = require('@instana/ts-sensor');${program}`);
  const { code, stdout, stderr } = await run(process.execPath, [file]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const { seen, spans } = JSON.parse(stdout) as { seen: string[]; spans: { finished: number } };
  assert.deepEqual(seen, ['function']);
  assert.equal(spans.finished, 1);
});

test('its classes have their own names, which an application sees when it logs a span', async () => {
  const file = consumer.put(
    'names.cjs',
    `const { tracer } = require('@instana/ts-sensor');
     const span = tracer.startSpan('work');
     console.log([tracer, span, span.context()].map((object) => object.constructor.name).join());`,
  );
  assert.equal((await run(process.execPath, [file])).stdout, 'InstanaTracer,InstanaSpan,InstanaSpanContext\n');
});

test('works from an ES module, with names', async () => {
  const file = consumer.put('app.mjs', `import ${names} from '@instana/ts-sensor';${program}`);
  const { code, stdout, stderr } = await run(process.execPath, [file]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.match(stdout, /"seen":\["function"\]/);
});

test('CommonJS and ES modules of one process share one tracer', async () => {
  const file = consumer.put(
    'both.mjs',
    `import { createRequire } from 'node:module';
     import { tracer } from '@instana/ts-sensor';
     console.log(createRequire(import.meta.url)('@instana/ts-sensor').tracer === tracer);`,
  );
  assert.equal((await run(process.execPath, [file])).stdout, 'true\n');
});

test('every path of exports resolves, for require and for import', async () => {
  const { exports } = readJson<Manifest>(repositoryRoot, 'package.json');
  const paths = Object.keys(exports).map((path) => join('@instana/ts-sensor', path));
  const requireAll = consumer.put(
    'resolve.cjs',
    `for (const path of ${JSON.stringify(paths)}) console.log(require('node:fs').existsSync(require.resolve(path)));`,
  );
  const importAll = consumer.put(
    'resolve.mjs',
    `for (const path of ${JSON.stringify(paths)}) console.log((await import('node:fs')).existsSync(new URL(import.meta.resolve(path))));`,
  );
  for (const file of [requireAll, importAll]) {
    const { stdout, stderr } = await run(process.execPath, [file]);
    assert.equal(stdout, 'true\n'.repeat(paths.length), stderr);
  }
});

test('its own files cannot be reached around the exports', async () => {
  const file = consumer.put('deep.cjs', `require('@instana/ts-sensor/build/src/process-sensor.js');`);
  assert.match((await run(process.execPath, [file])).stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/);
});

test('npm links the command', async () => {
  const { code, stdout } = await run('npx', ['ts-sensor', '--help'], { cwd: consumer.folder });
  assert.equal(code, 0);
  for (const word of ['agent', 'demo']) assert.match(stdout, new RegExp(`\\b${word}\\b`));
});

test('every flag of the command is documented, and no other', async () => {
  const { stdout } = await run('npx', ['ts-sensor', '--help'], { cwd: consumer.folder });
  const known = new Set([...stdout.matchAll(/^ +(--[a-z-]+)/gm)].map(([, flag = '']) => flag));
  const documents = ['README.md', 'docs/local-agent.md'].map((name) =>
    readFileSync(join(repositoryRoot, name), 'utf8'),
  );
  for (const flag of known) assert.ok(documents.join().includes(flag), flag);
  const shown = documents[1]?.matchAll(/^\| `(--[a-z-]+)/gm) ?? [];
  for (const [, flag = ''] of shown) assert.ok(known.has(flag), flag);
});

const typedUse = `
  import type { IncomingMessage, ServerResponse } from 'node:http';
  import { configure, eumSnippet, flush, middleware, status, tracer, wrapListener } from '@instana/ts-sensor';
  import type { SensorOptions, SensorStatus } from '@instana/ts-sensor';

  const options: SensorOptions = { serviceName: 'shop', tracing: { enabled: true }, metrics: { intervalMs: 1000 } };
  configure(options);
  const span = tracer.startSpan('work', { tags: { a: 1 }, ignoreActiveSpan: true });
  const answer: number = tracer.withActiveSpan(span, () => 42);
  tracer.currentSpan()?.setTag('http.path_tpl', '/shop/:id');
  const html: string = eumSnippet({ apiKey: 'k', meta: { answer: String(answer) } });
  const facts: SensorStatus = status();
  const state: 'looking-up' | 'unannounced' | 'announced' | 'ready' | 'off' = facts.agent.state;
  const listener: (req: IncomingMessage, res: ServerResponse) => void = wrapListener((req, res) => { res.end(req.url); });
  middleware()({} as IncomingMessage, {} as ServerResponse, () => {});
  void flush().then(() => [html, state, listener]);
  // @ts-expect-error: the type of an option is checked
  configure({ agentPort: 'a word' });
`;

test('its types satisfy a strict consumer that also checks the libraries', async () => {
  consumer.link('@types/node', 'undici-types');
  consumer.put('types/use.cts', typedUse);
  consumer.put('types/use.mts', typedUse);
  consumer.put('types/preload.mts', `import '@instana/ts-sensor/bootstrap';`);
  consumer.put(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        module: 'node16',
        target: 'es2022',
        types: ['node'],
        noEmit: true,
      },
      include: ['types'],
    }),
  );
  const tsc = join(repositoryRoot, 'node_modules/typescript/bin/tsc');
  const { code, stdout } = await run(process.execPath, [tsc, '-p', consumer.folder]);
  assert.equal(stdout, '');
  assert.equal(code, 0);
});

test('neither it nor what it brings runs a script at installation or builds an add-on', () => {
  const installers = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'];
  const own = readJson<Manifest>(repositoryRoot, 'package.json');
  assert.deepEqual(
    installers.filter((name) => own.scripts?.[name] !== undefined),
    [],
  );
  for (const [name, folder] of runtimePackages()) {
    const manifest = readJson<Manifest>(folder, 'package.json');
    // `prepare` of an installed package never runs: it is for its authors.
    for (const script of installers.slice(0, 3))
      assert.equal(manifest.scripts?.[script], undefined, `${name} ${script}`);
    assert.notEqual(manifest.gypfile, true, name);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    assert.deepEqual(
      files.filter((file) => file.endsWith('.node') || file.endsWith('binding.gyp')),
      [],
      name,
    );
  }
});

test('every run-time package is argued for in the changelog', () => {
  const changelog = readFileSync(join(repositoryRoot, 'CHANGELOG.md'), 'utf8');
  const { dependencies = {} } = readJson<Manifest>(repositoryRoot, 'package.json');
  for (const name of Object.keys(dependencies)) assert.match(changelog, new RegExp(`- \`${name}\`[^\n]* `), name);
});

test('no lock file tells where packages were downloaded from', () => {
  const peers = join(repositoryRoot, 'test/peers');
  const folders = [repositoryRoot, ...readdirSync(peers).map((name) => join(peers, name))];
  for (const folder of folders) {
    const { packages } = readJson<{ packages: Record<string, { resolved?: string; link?: boolean }> }>(
      folder,
      'package-lock.json',
    );
    const addresses = Object.values(packages).filter(({ resolved, link }) => resolved !== undefined && link !== true);
    assert.deepEqual(addresses, [], folder);
  }
});
