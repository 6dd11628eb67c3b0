// package.json and installed packages, in trees of all kinds.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type PackageInfo, PackageInfoReader } from '../../../src/metrics/package-info.js';

function tree(t: TestContext, files: Record<string, unknown>): string {
  const root = mkdtempSync(join(tmpdir(), 'app-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return root;
}

async function readFor(t: TestContext, main: string, configured: string | null = null): Promise<PackageInfo[]> {
  const { argv, mainModule } = process;
  process.argv = [process.execPath, main];
  Object.defineProperty(process, 'mainModule', { value: undefined, configurable: true, writable: true });
  t.after(() => {
    process.argv = argv;
    Object.defineProperty(process, 'mainModule', { value: mainModule, configurable: true, writable: true });
  });
  const told: PackageInfo[] = [];
  // The reader keeps no process alive, so the test does.
  const hold = setInterval(() => {}, 1000);
  t.after(() => clearInterval(hold));
  await new PackageInfoReader(configured).read((application) => void told.push(application));
  return told;
}

function installed(count: number, prefix: string): Record<string, unknown> {
  const names = Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  return Object.fromEntries(names.map((name) => [`node_modules/${name}/package.json`, { name, version: '1.0.0' }]));
}

test('finds the package of the main module upward, past one that only has the module type', async (t) => {
  const root = tree(t, {
    'package.json': {
      name: 'shop',
      version: '2.0.0',
      description: 'sells',
      keywords: ['a', 7],
      dependencies: { x: '^1' },
    },
    'dist/package.json': { type: 'module' },
    'dist/main.mjs': '',
    'node_modules/x/package.json': { version: '1.2.3' },
    'node_modules/@s/y/package.json': { version: '4.5.6' },
    'node_modules/x/node_modules/z/package.json': { version: '7.8.9' },
    'node_modules/x/node_modules/x/package.json': { version: '0.0.1' },
    'node_modules/broken/package.json': '{',
    'node_modules/.bin/tool': '',
  });
  const [first, second] = await readFor(t, join(root, 'dist/main.mjs'));
  assert.deepEqual(first, {
    name: 'shop',
    version: '2.0.0',
    description: 'sells',
    keywords: ['a'],
    dependencies: {},
    directDependencies: { dependencies: { x: '^1' }, peerDependencies: {}, optionalDependencies: {}, shop: '2.0.0' },
  });
  assert.deepEqual(second?.dependencies, { x: '1.2.3', '@s/y': '4.5.6', z: '7.8.9' });
});

test('takes a folder as main module, and packages of a folder above, as workspaces have them', async (t) => {
  const root = tree(t, {
    'packages/one/package.json': { name: 'one' },
    'node_modules/x/package.json': { version: '1.0.0' },
  });
  const told = await readFor(t, join(root, 'packages/one'));
  assert.equal(told.at(-1)?.name, 'one');
  assert.deepEqual(told.at(-1)?.dependencies, { x: '1.0.0' });
});

test('goes by the configured path first', async (t) => {
  const root = tree(t, { 'a/package.json': { name: 'a' }, 'b/package.json': { name: 'b' }, 'a/main.js': '' });
  assert.equal((await readFor(t, join(root, 'a/main.js'), join(root, 'b/package.json')))[0]?.name, 'b');
});

test('is named after the main module where there is no package', async (t) => {
  const root = tree(t, { 'main.js': '' });
  const told = await readFor(t, join(root, 'main.js'));
  assert.deepEqual(
    told.map(({ name }) => name),
    [join(root, 'main.js')],
  );
});

test('lists 750 packages at most, but those of Instana in any case', async (t) => {
  const root = tree(t, {
    'package.json': { name: 'large' },
    ...installed(760, 'p'),
    'node_modules/zz-instana/package.json': { version: '3.0.0' },
  });
  const dependencies = (await readFor(t, join(root, 'main.js'))).at(-1)?.dependencies ?? {};
  assert.equal(Object.keys(dependencies).length, 751);
  assert.equal(dependencies['zz-instana'], '3.0.0');
});

test('survives manifests of the wrong kind', async (t) => {
  for (const manifest of [
    'null',
    '[]',
    '7',
    '',
    '\ufeff{"name":"bom"}',
    '{"name":7,"version":{},"dependencies":{"x":7}}',
  ]) {
    const root = tree(t, { 'package.json': manifest, 'main.js': '' });
    const [application] = await readFor(t, join(root, 'main.js'), join(root, 'package.json'));
    assert.ok(application !== undefined);
    assert.ok(application.name === 'bom' || application.name === join(root, 'main.js'));
  }
});

/** The list that npm keeps of what it has installed; packages of other folders are links. */
const listed = {
  packages: {
    'packages/own': { version: '9.0.0' },
    'node_modules/own': { resolved: 'packages/own', link: true },
    'node_modules/gone': { resolved: 'packages/gone', link: true },
    'node_modules/x': { version: '1.2.3' },
    'node_modules/x/node_modules/@s/y': { version: '4.5.6' },
    'node_modules/x/node_modules/x': { version: '0.0.1' },
    'node_modules/x/node_modules/@s/y/node_modules/far': { version: '0.0.1' },
    'node_modules/odd': null,
    'node_modules/older': { version: 7 },
  },
};
const scanned = {
  'package.json': { name: 'shop' },
  'main.js': '',
  'node_modules/x/package.json': { version: '7.7.7' },
};

test('takes installed packages from the list of npm, when it is newer than the folder', async (t) => {
  const root = tree(t, { ...scanned, 'node_modules/.package-lock.json': listed });
  const told = await readFor(t, join(root, 'main.js'));
  assert.deepEqual(told.at(-1)?.dependencies, { own: '9.0.0', x: '1.2.3', '@s/y': '4.5.6' });
});

test('keeps packages of Instana when the list of npm is longer than may be sent', async (t) => {
  const names = [...Array.from({ length: 800 }, (_, index) => `p${index}`), '@instana/late'];
  const packages = Object.fromEntries(names.map((name) => [`node_modules/${name}`, { version: '1.0.0' }]));
  const root = tree(t, { ...scanned, 'node_modules/.package-lock.json': { packages } });
  const found = (await readFor(t, join(root, 'main.js'))).at(-1)?.dependencies ?? {};
  assert.equal(Object.keys(found).length, 751);
  assert.equal(found['@instana/late'], '1.0.0');
});

for (const [what, lock] of Object.entries({
  broken: '{',
  'of another form': '[1]',
  'too long': ' '.repeat(3_000_000),
})) {
  test(`looks into the folders when the list of npm is ${what}`, async (t) => {
    const root = tree(t, { ...scanned, 'node_modules/.package-lock.json': lock });
    assert.deepEqual((await readFor(t, join(root, 'main.js'))).at(-1)?.dependencies, { x: '7.7.7' });
  });
}

test('looks into the folders when something was installed after the list of npm was written', async (t) => {
  const root = tree(t, { ...scanned, 'node_modules/.package-lock.json': listed });
  const path = join(root, 'node_modules/.package-lock.json');
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  assert.deepEqual((await readFor(t, join(root, 'main.js'))).at(-1)?.dependencies, { x: '7.7.7' });
});
