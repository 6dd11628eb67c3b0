// Reads the tables and headings of a package's README.

/** A row of a table. */
export interface ReadmeRow {
  readonly line: number;
  /** The cells by their heads in lower case, without backticks. */
  readonly cells: Readonly<Record<string, string>>;
}

/** A table of the README. */
export interface ReadmeTable {
  /** The nearest heading above, in lower case. */
  readonly heading: string;
  readonly heads: readonly string[];
  readonly rows: readonly ReadmeRow[];
}

function cellsOf(line: string): string[] {
  const inner = line.trim().replace(/^\|/, '').replace(/\|$/, '');
  return inner.split('|').map((cell) => cell.trim().replaceAll('`', ''));
}

/** The headings of any level. */
export function headingsOf(text: string): string[] {
  return [...text.matchAll(/^\s*#{1,6}\s+(.*?)\s*$/gm)].map(([, heading = '']) => heading);
}

/** Every table of the text, in order. */
export function tablesOf(text: string): ReadmeTable[] {
  const lines = text.split('\n');
  const tables: ReadmeTable[] = [];
  let heading = '';
  for (let at = 0; at < lines.length; at++) {
    heading = /^\s*#{1,6}\s+(.*?)\s*$/.exec(lines[at] ?? '')?.[1]?.toLowerCase() ?? heading;
    if (!/^\s*\|/.test(lines[at] ?? '') || !/^\s*\|[\s:|-]+\|\s*$/.test(lines[at + 1] ?? '')) continue;
    const heads = cellsOf(lines[at] ?? '').map((head) => head.toLowerCase());
    const rows: ReadmeRow[] = [];
    for (at += 2; /^\s*\|/.test(lines[at] ?? ''); at++) {
      const cells = cellsOf(lines[at] ?? '');
      rows.push({ line: at + 1, cells: Object.fromEntries(heads.map((head, column) => [head, cells[column] ?? ''])) });
    }
    tables.push({ heading, heads, rows });
  }
  return tables;
}

/** The table whose first head begins with one of the words; null without one. */
export function tableWith(text: string, ...firstHeads: readonly string[]): ReadmeTable | null {
  return tablesOf(text).find(({ heads }) => firstHeads.some((head) => heads[0]?.startsWith(head))) ?? null;
}

/** The first column of a table. */
export function firstCells({ heads, rows }: ReadmeTable): string[] {
  return rows.map(({ cells }) => cells[heads[0] ?? ''] ?? '');
}
