// Runs every compiled test with Node.js' own runner, and lists at the end what did not run, and why.
// node scripts/test.mjs [--long] [words]: with words, only the files whose path contains one of them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const words = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const withLong = process.argv.includes('--long');

/** Every compiled test, however deep its folder. Applications under test/apps are not compiled, so they are not below build/test. */
function testFiles() {
  const tests = join(root, 'build', 'test');
  if (!existsSync(tests)) return [];
  return readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => join(tests, file))
    .sort();
}

/** The environment of a bare shell for the tests and their children, whatever the developer's shell sets. */
function bareEnvironment() {
  const unwanted = /^(INSTANA_|AUTOWRAPT_|OTEL_|NODE_OPTIONS$|FORCE_COLOR$|npm_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !unwanted.test(name)));
}

function portIsTaken(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(true));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)));
  });
}

/** Peers are packages that only tests need and that are too large for every `npm ci`; `.ci/run` installs them. */
function missingPeers() {
  const peers = join(root, 'test', 'peers');
  if (!existsSync(peers)) return [];
  return readdirSync(peers, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(peers, entry.name, 'package.json')))
    .filter(({ name }) => !existsSync(join(peers, name, 'node_modules')))
    .map(({ name }) => `test/peers/${name} is not installed: npm ci --ignore-scripts --prefix test/peers/${name}`);
}

const all = testFiles();
const chosen = all.filter((file) => words.length === 0 || words.some((word) => relative(root, file).includes(word)));
const long = chosen.filter((file) => file.endsWith('.long.test.js'));
const files = withLong ? chosen : chosen.filter((file) => !long.includes(file));
if (files.length === 0) {
  process.stderr.write(`no test file${words.length > 0 ? ` matches ${words.join(', ')}` : ': run npm run build'}\n`);
  process.exit(1);
}

const missing = [
  ...missingPeers(),
  ...((await portIsTaken(42699)) ? ['port 42699 is taken: what needs the agent at its default address'] : []),
];

const scratch = mkdtempSync(join(tmpdir(), 'ts-sensor-test-'));
const skippedFile = join(scratch, 'skipped.txt');
const { status, signal } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-concurrency=2',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(root, 'scripts', 'skipped-reporter.mjs')}`,
    `--test-reporter-destination=${skippedFile}`,
    ...files.map((file) => relative(root, file)),
  ],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: bareEnvironment() },
);
const skipped = existsSync(skippedFile) ? readFileSync(skippedFile, 'utf8').split('\n').filter(Boolean) : [];
rmSync(scratch, { recursive: true, force: true });

const notRun = [
  ...missing,
  ...(withLong ? [] : long.map((file) => `${relative(root, file)}: long, run npm run test:long`)),
  ...skipped,
  ...(chosen.length < all.length ? [`${all.length - chosen.length} files that do not match ${words.join(', ')}`] : []),
];
if (notRun.length > 0) {
  const line = '!'.repeat(80);
  process.stdout.write(`\n${line}\nNOT RUN:\n${notRun.map((text) => `  - ${text}\n`).join('')}${line}\n`);
} else {
  process.stdout.write('\nEverything has run: nothing was skipped, no peer is missing.\n');
}
process.exit(signal !== null ? 1 : status);
