// docs/benchmarks/: a page of raw tables for each benchmark, with a section for each kind of run.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark } from './benchmark.js';
import { repositoryRoot } from './child-process.js';

/** The folder of the pages. */
export const pagesFolder: string = join(repositoryRoot, 'docs/benchmarks');

/** The sections of a page by their headings; empty when there is no such page yet. */
function readSections(file: string): Map<string, string> {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const parts = text.split(/^## /m).slice(1);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1).trim()];
    }),
  );
}

/** Writes one section of a benchmark's page and keeps the others. */
export function writeSection(
  folder: string,
  { name, title }: Pick<Benchmark, 'name' | 'title'>,
  heading: string,
  text: string,
): void {
  const file = join(folder, `${name}.md`);
  const sections = readSections(file).set(heading, `\`\`\`text\n${text}\n\`\`\``);
  const introduction =
    `# ${title}\n\nRaw tables, written by \`npm run bench -- --write ${name}\`. ` +
    '[Benchmarks](../benchmarks.md) explains them and sums up the results.';
  const written = [...sections].sort(([left], [right]) => (left < right ? -1 : 1));
  const parts = [introduction, ...written.map(([known, section]) => `## ${known}\n\n${section}`)];
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${parts.join('\n\n')}\n`);
}
