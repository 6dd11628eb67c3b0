// The pages of the benchmarks: how raw tables are written, and that the page of results agrees with them.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { benchmarkList } from '../../bench/benchmark-list.js';
import { pagesFolder, writeSection } from '../../bench/document.js';
import { repositoryRoot } from '../support/run-app.js';

test('a section of raw tables is written or replaced, and the others stay', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-bench-'));
  try {
    const benchmark = { name: 'idle', title: 'Idle minute' };
    writeSection(folder, benchmark, 'Node.js 24', 'new');
    writeSection(folder, benchmark, 'Node.js 20', 'first');
    writeSection(folder, benchmark, 'Node.js 20', 'second');
    const text = readFileSync(join(folder, 'idle.md'), 'utf8');
    assert.match(text, /^# Idle minute\n\n.+`npm run bench -- --write idle`.+\n\n## Node\.js 20\n/);
    assert.match(text, /\n## Node\.js 20\n\n```text\nsecond\n```\n\n## Node\.js 24\n\n```text\nnew\n```\n$/);
    assert.doesNotMatch(text, /first/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const results = readFileSync(join(repositoryRoot, 'docs/benchmarks.md'), 'utf8');

function rawPage(name: string): string {
  return readFileSync(join(pagesFolder, `${name}.md`), 'utf8').replaceAll(/ +/g, ' ');
}

test('every figure of the page of results is in the raw tables that its section links', () => {
  const everyLink = [...results.matchAll(/\]\(benchmarks\/([\w-]+)\.md\)/g)].map(([, name = '']) => name);
  let figures = 0;
  for (const section of results.split(/^## /m)) {
    const links = [...section.matchAll(/\]\(benchmarks\/([\w-]+)\.md\)/g)].map(([, name = '']) => name);
    const raw = (links.length > 0 ? links : everyLink).map(rawPage).join('\n');
    for (const [figure] of section.matchAll(/-?\d+(?:\.\d+)+(?: ± \d+\.\d+)?/g)) {
      const pattern = new RegExp(`(?<![\\d.])${figure.replaceAll('.', '\\.')}(?![\\d]|\\.\\d)`);
      assert.match(raw, pattern, `${figure} of the section ${section.split('\n', 1)}`);
      figures++;
    }
  }
  assert.ok(figures > 100, `${figures} figures`);
});

test('the page of results has the command of every benchmark', () => {
  const named = new Set(
    [...results.matchAll(/`npm run bench -- ([^`]+)`/g)].flatMap(([, words = '']) => words.split(' ')),
  );
  for (const { name } of benchmarkList) assert.ok(named.has(name), name);
});
