// The shape of the sources: scripts/structure.mjs is tried on small trees, each with one mistake.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { repositoryRoot } from '../../support/run-app.js';

const script = join(repositoryRoot, 'scripts', 'structure.mjs');

/** The findings for a tree of sources, by path below src/. */
function check(t: TestContext, sources: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-structure-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = { ...sources, '../tsconfig.json': '{ "compilerOptions": { "types": [] }, "include": ["src"] }' };
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, 'src', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  const findings = stdout.split('\n').filter(Boolean);
  // The compiler's process may say on stderr that it was ended.
  assert.equal(status, findings.length === 0 ? 0 : 1, stderr);
  return findings;
}

/** A function of so many lines. */
function functionOf(lines: number): string {
  return `export function long(): void {\n${'  void 0;\n'.repeat(lines - 2)}}\n`;
}

test('a tree without a mistake has no finding', (t) => {
  assert.deepEqual(
    check(t, {
      'core/log.ts': 'export class Log { readonly max: number = 1; }\n',
      'spans/span.ts': `import type { Log } from '../core/log.js';\nexport const log: Log | null = null;\n`,
    }),
    [],
  );
});

test('a cycle of two files is found, also one of types alone', (t) => {
  assert.deepEqual(
    check(t, {
      'core/one.ts': `import type { Two } from './two.js';\nexport type One = Two | null;\n`,
      'core/two.ts': `import type { One } from './one.js';\nexport type Two = One | null;\n`,
    }),
    ['cycle of imports: core/one.ts -> core/two.ts -> core/one.ts'],
  );
});

test('a cycle over a late require is found', (t) => {
  assert.deepEqual(
    check(t, {
      'one.ts': `export const two = (): unknown => require('./two.js') as typeof import('./two.js');\n`,
      'two.ts': `import { two } from './one.js';\nexport const one: unknown = two;\n`,
    }),
    ['cycle of imports: one.ts -> two.ts -> one.ts'],
  );
});

test('two folders that import each other are found, at both levels', (t) => {
  const findings = check(t, {
    'agent/a.ts': `import { b } from '../spans/b.js';\nexport const a: unknown = b;\n`,
    'agent/c.ts': 'export const c = 1;\n',
    'spans/b.ts': 'export const b = 1;\n',
    'spans/d.ts': `import { c } from '../agent/c.js';\nexport const d: unknown = c;\n`,
    'devtools/server/e.ts': `import { f } from '../store/f.js';\nexport const e: unknown = f;\n`,
    'devtools/server/g.ts': 'export const g = 1;\n',
    'devtools/store/f.ts': 'export const f = 1;\n',
    'devtools/store/h.ts': `import { g } from '../server/g.js';\nexport const h: unknown = g;\n`,
  });
  assert.equal(findings.length, 2, findings.join('\n'));
  assert.match(findings[0] ?? '', /^folders import each other: spans\/d\.ts -> agent\/c\.ts, and agent\/a\.ts -> /);
  assert.match(findings[1] ?? '', /^folders import each other: devtools\/store\/h\.ts -> devtools\/server\/g\.ts, /);
});

test('two files with one name are found, but the local agent is another program', (t) => {
  assert.deepEqual(
    check(t, {
      'agent/span.ts': 'export const a = 1;\n',
      'spans/span.ts': 'export const b = 1;\n',
      'devtools/span.ts': 'export const c = 1;\n',
    }),
    ['two files with one name: agent/span.ts and spans/span.ts'],
  );
});

test('a private word is found in names of all kinds, and not in texts, comments and public names', (t) => {
  const findings = check(t, {
    'core/beat.ts': 'export const a = 1;\n',
    'core/names.ts': [
      '// The beat of a door.',
      "export const text = 'answer';",
      'export class Names { #toldOnce = false; readonly faults: number = 1; get on(): boolean { return this.#toldOnce; } }',
      'export function run(givenValue: number): number { return givenValue; }',
      'export interface HttpFacts { readonly a: number; }',
      '',
    ].join('\n'),
  });
  assert.deepEqual(findings, [
    "private word 'beat': beat in core/beat.ts",
    "private word 'told': #toldOnce in core/names.ts",
    "private word 'given': givenValue in core/names.ts",
    "private word 'facts': HttpFacts in core/names.ts",
  ]);
});

test('a long file and a long function are found unless a comment gives the reason', (t) => {
  assert.deepEqual(check(t, { 'a.ts': functionOf(60) }), []);
  assert.deepEqual(check(t, { 'a.ts': functionOf(61) }), [
    "61 lines without a reason (a comment 'Long: …' before it): long in a.ts:1",
  ]);
  assert.deepEqual(check(t, { 'a.ts': `/** Long: a table. */\n${functionOf(61)}` }), []);
  assert.deepEqual(check(t, { 'a.ts': `${'export {};\n'.repeat(301)}` }), [
    "301 lines without a reason (a comment 'Long: …' at the top): a.ts",
  ]);
  assert.deepEqual(check(t, { 'a.ts': `// Long: a table.\n${'export {};\n'.repeat(301)}` }), []);
});

test('a folder without sources is no success', (t) => {
  assert.match(check(t, {}).join(), /^no source file below /);
});
