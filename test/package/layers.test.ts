// The import layers of the sources: biome.json is tried on small trees that keep them and that break them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, test } from 'node:test';
import { repositoryRoot } from '../support/run-app.js';

const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-layers-'));
after(() => rmSync(folder, { recursive: true, force: true }));
copyFileSync(join(repositoryRoot, 'biome.json'), join(folder, 'biome.json'));

const broken: readonly (readonly [file: string, imported: string])[] = [
  ['src/protocol/a.ts', '../agent/agent.js'],
  ['src/protocol/b.ts', '../spans/span.js'],
  ['src/core/a.ts', '../protocol/ids.js'],
  ['src/core/b.ts', '../sensor.js'],
  ['src/spans/a.ts', '../agent/agent.js'],
  ['src/spans/b.ts', '../instrumentation/around.js'],
  ['src/metrics/a.ts', '../spans/span.js'],
  ['src/agent/a.ts', '../metrics/meter.js'],
  ['src/agent/b.ts', '../spans/recorder.js'],
  ['src/agent/c.ts', '../sensor.js'],
  ['src/instrumentation/a.ts', '../agent/agent.js'],
  ['src/instrumentation/b.ts', '../sensor.js'],
  ['src/instrumentation/modules/a.ts', '../../metrics/meter.js'],
  ['src/instrumentation/modules/b.ts', '../../sensor.js'],
  ['src/bridges/a.ts', '../agent/agent.js'],
  ['src/sensor.ts', './devtools/local-agent.js'],
  ['src/index.ts', './agent/agent.js'],
  ['src/bootstrap.ts', './spans/tracer.js'],
  ['src/devtools/a.ts', '../spans/span.js'],
  ['src/devtools/b.ts', '../sensor.js'],
  ['tools/integration/a.ts', '../../src/core/log.js'],
];

const kept: readonly (readonly [file: string, imported: string])[] = [
  ['src/protocol/k.ts', './ids.js'],
  ['src/spans/k.ts', '../protocol/ids.js'],
  ['src/metrics/k.ts', '../core/log.js'],
  ['src/agent/k.ts', '../protocol/announce.js'],
  ['src/instrumentation/k.ts', '../spans/scope.js'],
  ['src/instrumentation/modules/k.ts', '../around.js'],
  ['src/instrumentation/modules/l.ts', '../../spans/scope.js'],
  ['src/bridges/k.ts', '../spans/tracer.js'],
  ['src/bridges/l.ts', '../metrics/meter.js'],
  ['src/devtools/k.ts', '../protocol/span.js'],
  ['src/devtools/l.ts', '@instana/ts-sensor'],
  ['tools/integration/k.ts', '../../src/protocol/metric-registry.js'],
];

function put(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

/** What is wrong in the tree, as `file: rule`, in order. */
function lint(): string[] {
  const biome = require.resolve('@biomejs/biome/bin/biome', { paths: [repositoryRoot] });
  const { stdout } = spawnSync(process.execPath, [biome, 'lint', '--reporter=github', '.'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return [...stdout.matchAll(/^::error title=([^,]+),file=([^,]+),/gm)].map(
    ([, rule, file = '']) => `${relative(folder, join(folder, file.replace(folder, '')))}: ${rule}`,
  );
}

test('every import against the layers is found, and no other', () => {
  for (const [file, imported] of broken) put(file, `import { a } from '${imported}';\nexport const b: unknown = a;\n`);
  for (const [file, imported] of kept) put(file, `import { a } from '${imported}';\nexport const b: unknown = a;\n`);
  const found = lint();
  assert.deepEqual(found.sort(), broken.map(([file]) => `${file}: lint/style/noRestrictedImports`).sort());
});

test('a cycle between two files is found', () => {
  for (const tree of ['src', 'tools']) rmSync(join(folder, tree), { recursive: true, force: true });
  put('src/protocol/one.ts', `import { two } from './two.js';\nexport const one = (): unknown => two;\n`);
  put('src/protocol/two.ts', `import { one } from './one.js';\nexport const two = (): unknown => one;\n`);
  assert.deepEqual(lint().sort(), [
    'src/protocol/one.ts: lint/suspicious/noImportCycles',
    'src/protocol/two.ts: lint/suspicious/noImportCycles',
  ]);
});

test('only the entry points and sensor.ts load files of ours by require, which the linter does not see', () => {
  const sources = join(repositoryRoot, 'src');
  const late = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.m?ts$/.test(file))
    .filter((file) => /\brequire\(\s*['"`]\./.test(readFileSync(join(sources, file), 'utf8')));
  assert.deepEqual(
    late.filter((file) => !['bootstrap.ts', 'sensor.ts'].includes(file)),
    [],
  );
});
