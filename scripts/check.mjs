// All checks that do not run the product: types, lint, layers, the packages, the documents.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

/** The file of a package's command. */
function command(packageName, name = packageName) {
  // Not resolved by name, since a package's exports need not include its package.json.
  const folder = join(root, 'node_modules', packageName);
  const { bin } = require(join(folder, 'package.json'));
  return join(folder, typeof bin === 'string' ? bin : bin[name]);
}

function node(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  return { passed: status === 0, output: `${stdout}${stderr}`.trim() };
}

/** Packs the tarball as `npm publish` would; build/ exists already. */
function pack(folder) {
  const npm = process.env.npm_execpath ?? 'npm';
  const [file, before] = npm.endsWith('.js') ? [process.execPath, [npm]] : [npm, []];
  spawnSync(file, [...before, 'pack', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'nothing-was-packed.tgz');
}

function documents() {
  const test = join(root, 'build/test/scenarios/package/documents.test.js');
  return existsSync(test) ? node('--test', test) : { passed: false, output: `${test} is missing` };
}

const scratch = mkdtempSync(join(tmpdir(), 'ts-sensor-check-'));
const tarball = pack(scratch);
const checks = {
  types: () => node(command('typescript', 'tsc'), '--noEmit', '-p', 'tsconfig.json'),
  'lint, format and layers': () => node(command('@biomejs/biome', 'biome'), 'check', '--error-on-warnings'),
  'shape of the sources': () => node(join(root, 'scripts/structure.mjs')),
  'a test for every source file': () => node(join(root, 'scripts/mirror.mjs')),
  publint: () => node(command('publint'), 'run', tarball, '--strict'),
  attw: () => node(command('@arethetypeswrong/cli', 'attw'), tarball),
  'integration package': () => node(join(root, 'build/tools/integration-package/validate.js')),
  documents,
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  const { passed, output } = check();
  process.stdout.write(`${passed ? 'ok    ' : 'FAILED'} ${name}\n`);
  if (passed) continue;
  failed++;
  process.stdout.write(`${output}\n\n`);
}
rmSync(scratch, { recursive: true, force: true });
process.exit(failed === 0 ? 0 : 1);
