// The import layers of the sources: biome.json is tried on small trees that keep them and that break them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, test } from 'node:test';
import { repositoryRoot } from '../../support/run-app.js';

const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-layers-'));
after(() => rmSync(folder, { recursive: true, force: true }));
copyFileSync(join(repositoryRoot, 'biome.json'), join(folder, 'biome.json'));

const broken: readonly (readonly [file: string, imported: string])[] = [
  ['src/core/a.ts', '../config/options.js'],
  ['src/core/b.ts', '../sensor.js'],
  ['src/propagation/a.ts', '../core/log.js'],
  ['src/protocol/a.ts', '../propagation/ids.js'],
  ['src/redaction/a.ts', '../config/options.js'],
  ['src/config/a.ts', '../redaction/redactor.js'],
  ['src/transport/a.ts', '../protocol/announce.js'],
  ['src/spans/a.ts', '../agent/agent.js'],
  ['src/spans/b.ts', '../opentracing/tracer.js'],
  ['src/spans/c.ts', '../instrumentation/loader.js'],
  ['src/export/a.ts', '../spans/recorder.js'],
  ['src/export/b.ts', '../agent/agent.js'],
  ['src/opentracing/a.ts', '../instrumentation/loader.js'],
  ['src/metrics/a.ts', '../spans/span.js'],
  ['src/metrics/gauges/a.ts', '../../otlp/otlp.js'],
  ['src/agent/a.ts', '../metrics/agent-meter.js'],
  ['src/agent/b.ts', '../spans/recorder.js'],
  ['src/agent/c.ts', '../sensor.js'],
  ['src/otlp/a.ts', '../agent/agent.js'],
  ['src/otlp/b.ts', '../opentracing/tracer.js'],
  ['src/instrumentation/a.ts', '../agent/agent.js'],
  ['src/instrumentation/b.ts', '../sensor.js'],
  ['src/instrumentation/http/a.ts', '../../metrics/agent-meter.js'],
  ['src/instrumentation/http/b.ts', '../../sensor.js'],
  ['src/instrumentation/koa/a.ts', '../../export/exit-flush.js'],
  ['src/eum-snippet.ts', './spans/span.js'],
  ['src/status.ts', './reporting.js'],
  ['src/lifecycle.ts', './agent/agent.js'],
  ['src/reporting.ts', './sensor.js'],
  ['src/sensor.ts', './devtools/server/local-agent.js'],
  ['src/process-sensor.ts', './reporting.js'],
  ['src/index.ts', './agent/agent.js'],
  ['src/bootstrap.ts', './opentracing/tracer.js'],
  ['src/devtools/a.ts', '../spans/span.js'],
  ['src/devtools/b.ts', '../sensor.js'],
  ['src/devtools/server/a.ts', '../../agent/agent.js'],
  ['tools/integration-package/a.ts', '../../src/core/log.js'],
];

const kept: readonly (readonly [file: string, imported: string])[] = [
  ['src/propagation/k.ts', './ids.js'],
  ['src/redaction/k.ts', '../core/plain-json.js'],
  ['src/config/k.ts', '../core/log.js'],
  ['src/transport/k.ts', '../core/sleep.js'],
  ['src/spans/k.ts', '../propagation/ids.js'],
  ['src/export/k.ts', '../transport/http-connection.js'],
  ['src/opentracing/k.ts', '../spans/span.js'],
  ['src/metrics/k.ts', '../protocol/metric-registry.js'],
  ['src/metrics/gauges/k.ts', '../gauge.js'],
  ['src/metrics/gauges/l.ts', '../../core/ticker.js'],
  ['src/agent/k.ts', '../protocol/announce.js'],
  ['src/otlp/k.ts', '../metrics/reading.js'],
  ['src/instrumentation/k.ts', '../spans/active-span.js'],
  ['src/instrumentation/http/k.ts', '../wrap-method.js'],
  ['src/instrumentation/http/l.ts', '../../spans/active-span.js'],
  ['src/devtools/k.ts', '../protocol/wire-span.js'],
  ['src/devtools/server/k.ts', '../store/traces.js'],
  ['src/devtools/server/l.ts', '@instana/ts-sensor'],
  ['tools/integration-package/k.ts', '../../src/protocol/metric-registry.js'],
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

test('only config/ and devtools/ read the environment', () => {
  for (const tree of ['src', 'tools']) rmSync(join(folder, tree), { recursive: true, force: true });
  const text = `export const debug: string | undefined = process.env['INSTANA_DEBUG'];\n`;
  for (const file of ['src/sensor.ts', 'src/otlp/e.ts', 'src/config/e.ts', 'src/devtools/server/e.ts', 'bench/e.ts'])
    put(file, text);
  assert.deepEqual(lint().sort(), ['src/otlp/e.ts: lint/style/noProcessEnv', 'src/sensor.ts: lint/style/noProcessEnv']);
});

test('a cycle between two files is found', () => {
  for (const tree of ['src', 'tools']) rmSync(join(folder, tree), { recursive: true, force: true });
  put('src/core/one.ts', `import { two } from './two.js';\nexport const one = (): unknown => two;\n`);
  put('src/core/two.ts', `import { one } from './one.js';\nexport const two = (): unknown => one;\n`);
  assert.deepEqual(lint().sort(), [
    'src/core/one.ts: lint/suspicious/noImportCycles',
    'src/core/two.ts: lint/suspicious/noImportCycles',
  ]);
});

test('only files at the root of src load others by require, which the linter does not see', () => {
  const sources = join(repositoryRoot, 'src');
  const late = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.m?ts$/.test(file))
    .filter((file) => /\brequire\(\s*['"`]\./.test(readFileSync(join(sources, file), 'utf8')));
  assert.deepEqual(
    late.filter((file) => !['bootstrap.ts', 'sensor.ts', 'reporting.ts', 'lifecycle.ts'].includes(file)),
    [],
  );
});
