// The documents of the repository: their text, and the code and commands in them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './run-app.js';

export interface Block {
  readonly document: string;
  /** What stands behind the fence: `js`, `sh`, `text`. */
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

/** Every Markdown file that people read: at the root, below docs/, and of the benchmarks. */
export function documentNames(): string[] {
  const below = (folder: string): string[] => {
    try {
      return readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' });
    } catch {
      return []; // no such folder yet
    }
  };
  const names = [...readdirSync(repositoryRoot), ...below('docs').map((file) => join('docs', file)), 'bench/README.md'];
  return names.filter((file) => file.endsWith('.md')).sort();
}

export function readDocument(name: string): string {
  return readFileSync(join(repositoryRoot, name), 'utf8');
}

/** The fenced blocks of a document, in order. */
export function blocksOf(document: string): Block[] {
  const text = readDocument(document);
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    document,
    language: match[1] ?? '',
    line: text.slice(0, match.index).split('\n').length,
    text: match[2] ?? '',
  }));
}

/** The rows of the table whose head begins with the given cell, each as its cells; without head and rule. */
export function tableRows(document: string, firstHead: string): string[][] {
  const lines = readDocument(document).split('\n');
  const start = lines.findIndex((line) => cells(line)[0] === firstHead);
  if (start < 0) return [];
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end < 0 ? undefined : end).map(cells);
}

function cells(line: string): string[] {
  return line.startsWith('|')
    ? line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim())
    : [];
}
