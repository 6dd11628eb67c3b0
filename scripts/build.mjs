// Compiles src, test, bench and tools into an empty build/, so that no file of an older build is left. Then bundles everything that the
// preload needs into build/src/process-sensor.js: opening and compiling some forty files takes longer than running them.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
/** The preload, and the code that only some processes load: with OTLP, or with a file of ignored endpoints. */
const bundles = ['process-sensor.js', 'otlp/otlp.js', 'config/ignore-file.js'];
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');

/** The licences of the bundled packages. */
function licencesOf(inputs) {
  const folders = inputs.flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return [...new Set(folders)].sort().map((folder) => {
    const file = readdirSync(join(root, folder)).find((name) => /^licen[cs]e/i.test(name));
    if (file === undefined) throw new Error(`${folder} is bundled but has no licence file`);
    return `${folder.slice('node_modules/'.length)}\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
  });
}

/**
 * Writes `#private` as `private` in the declarations. TypeScript 5 compiles to ES5 unless a project says otherwise, and then refuses
 * `#private` even in the declarations of a package.
 */
function writeOlderDeclarations() {
  const folder = join(root, 'build/src');
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!/\.d\.m?ts$/.test(name)) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    const older = text.replace(/^( +)#private;$/gm, '$1private "#private";');
    if (older !== text) writeFileSync(join(folder, name), older);
  }
}

/**
 * Bundles a file of src/ with everything that it imports, in place of its compiled form; resolves with the bundle, its target and its
 * inputs. The sources are bundled, not their compiled form: with `import` they share one scope, while each CommonJS file would be a
 * function with an object for its exports.
 */
async function bundle(file) {
  const entry = join(root, 'src', file.replace(/js$/, 'ts'));
  const outfile = join(root, 'build/src', `${file}.bundle`);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    // A process keeps the source in memory for its lifetime. Lines stay short enough to identify a place in a stack.
    minifyWhitespace: true,
    lineLimit: 120,
    platform: 'node',
    target: 'node20',
    metafile: true,
    logLevel: 'warning',
    // The application and the sensor need one copy: the application's spans are instances of its classes.
    external: ['opentracing', ...bundles.map((name) => `./${name}`)],
    alias: { debug: join(root, 'scripts/no-debug.cjs') },
  });
  return [outfile, join(root, 'build/src', file), Object.keys(metafile.inputs)];
}

async function bundleAll() {
  const made = await Promise.all(bundles.map(bundle));
  for (const [outfile, compiled] of made) renameSync(outfile, compiled);
  const inputs = made.flatMap(([, , files]) => files);
  writeFileSync(join(root, 'build/src/sensor.licences.txt'), licencesOf(inputs).join('\n---\n\n'));
}

rmSync(join(root, 'build'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);
writeOlderDeclarations();
await bundleAll();
const cli = join(root, 'build/src/devtools/cli.js');
if (existsSync(cli)) chmodSync(cli, 0o755);
