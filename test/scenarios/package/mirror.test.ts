// The check that every source file has a test of its name, or a reason for having none.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { repositoryRoot } from '../../support/run-app.js';

const script = join(repositoryRoot, 'scripts/mirror.mjs');

interface Outcome {
  readonly status: number | null;
  readonly lines: readonly string[];
}

/** Runs the check on a repository of these files; those under src/ are code unless they have a text. */
function check(t: TestContext, files: Readonly<Record<string, string>>, exceptions: object = {}): Outcome {
  const root = mkdtempSync(join(tmpdir(), 'mirror-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries({ 'test/unit/exceptions.json': JSON.stringify(exceptions), ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const { status, stdout } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
  return { status, lines: stdout.split('\n').filter(Boolean) };
}

const code = 'export const answer = 42;\n';

test('every source file of this repository has its test, or a reason that holds', () => {
  const { status, stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.equal(status, 0);
});

test('is content with a test of the same name in the same folder', (t) => {
  const files = {
    'src/index.ts': code,
    'src/register.mts': code,
    'src/a/b.ts': code,
    'src/a/notes.md': '',
    'test/unit/index.test.ts': '',
    'test/unit/register.test.ts': '',
    'test/unit/a/b.test.ts': '',
    'test/unit/a/of-no-source.test.ts': '',
  };
  assert.deepEqual(check(t, files), { status: 0, lines: [] });
});

test('names a file that has neither a test nor a reason', (t) => {
  const { status, lines } = check(t, { 'src/a/b.ts': code, 'test/unit/b.test.ts': '' });
  assert.equal(status, 1);
  assert.deepEqual(lines, [
    'src/a/b.ts has no test: test/unit/a/b.test.ts does not exist, nor a reason in test/unit/exceptions.json',
  ]);
});

test('takes a reason: types only, a test that covers the file, or a sentence', (t) => {
  const files = {
    'src/types.ts': '// Types.\nexport interface A {\n  readonly b: string;\n}\nexport type C = A;\n',
    'src/covered.ts': code,
    'src/other.ts': code,
    'test/scenarios/conformance/covered.test.ts': '',
  };
  const exceptions = {
    'types.ts': 'types only',
    'covered.ts': 'covered by scenarios/conformance/covered.test.ts',
    'other.ts': 'it only starts a process that a browser opens',
  };
  assert.deepEqual(check(t, files, exceptions), { status: 0, lines: [] });
});

test('refuses a reason that does not hold, and an exception that is superfluous', (t) => {
  const files = { 'src/a.ts': code, 'src/b.ts': code, 'src/c.ts': code, 'src/d.ts': code, 'test/unit/d.test.ts': '' };
  const exceptions = {
    'a.ts': 'types only',
    'b.ts': 'covered by scenarios/nowhere.test.ts',
    'c.ts': ' ',
    'd.ts': 'it is simple',
    'gone.ts': 'it is simple',
  };
  const { status, lines } = check(t, files, exceptions);
  assert.equal(status, 1);
  assert.deepEqual(lines, [
    'test/unit/exceptions.json: src/a.ts: it is more than types',
    'test/unit/exceptions.json: src/b.ts: test/scenarios/nowhere.test.ts does not exist',
    'test/unit/exceptions.json: src/c.ts: it has no reason',
    'test/unit/exceptions.json: src/d.ts has a test, it is no exception any more',
    'test/unit/exceptions.json: src/gone.ts does not exist',
  ]);
});
