// Checks that test/unit mirrors src: each source file has a test of its name, or a reason in test/unit/exceptions.json why it has none.
// node scripts/mirror.mjs [root of the repository]
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..');
/** Reasons: `types only`, `covered by <a file below test/>`, or a sentence. */
const exceptionsFile = 'test/unit/exceptions.json';

const typesOnly = 'types only';
const coveredBy = /^covered by (\S+)$/;
/** What is left of a file that is more than types. */
const code = /^(?:export )?(?:async )?(?:abstract )?(?:function|class|const|let|var)\b/m;

/** Source files, `a/b.ts`, whatever the system's separator. */
function sourceFiles() {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => file.split(sep).join('/'))
    .filter((file) => /\.m?ts$/.test(file))
    .sort();
}

/** The test that a source file is to have. */
function testOf(source) {
  return `test/unit/${source.replace(/\.m?ts$/, '.test.ts')}`;
}

function exists(file) {
  return existsSync(join(root, file));
}

/** What is wrong with the reason for a file without a test; null when it holds. */
function flawOf(source, reason) {
  if (typeof reason !== 'string' || reason.trim() === '') return 'it has no reason';
  if (reason === typesOnly)
    return code.test(readFileSync(join(root, 'src', source), 'utf8')) ? 'it is more than types' : null;
  const cover = coveredBy.exec(reason)?.[1];
  return cover === undefined || exists(`test/${cover}`) ? null : `test/${cover} does not exist`;
}

function problems() {
  const exceptions = JSON.parse(readFileSync(join(root, exceptionsFile), 'utf8'));
  const sources = sourceFiles();
  const missing = sources
    .filter((source) => !exists(testOf(source)) && !Object.hasOwn(exceptions, source))
    .map((source) => `src/${source} has no test: ${testOf(source)} does not exist, nor a reason in ${exceptionsFile}`);
  const flawed = Object.entries(exceptions).flatMap(([source, reason]) => {
    if (!sources.includes(source)) return [`${exceptionsFile}: src/${source} does not exist`];
    if (exists(testOf(source))) return [`${exceptionsFile}: src/${source} has a test, it is no exception any more`];
    const flaw = flawOf(source, reason);
    return flaw === null ? [] : [`${exceptionsFile}: src/${source}: ${flaw}`];
  });
  return [...missing, ...flawed];
}

const found = problems();
for (const problem of found) process.stdout.write(`${problem}\n`);
process.exit(found.length === 0 ? 0 : 1);
