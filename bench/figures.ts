// Numbers of a series as one line of a table.

export interface Figures {
  readonly minimum: number;
  readonly quarter: number;
  readonly median: number;
  readonly threeQuarters: number;
}

/** Order statistics of a series that is not empty. */
export function figures(series: readonly number[]): Figures {
  const sorted = [...series].sort((left, right) => left - right);
  const at = (part: number): number => sorted[Math.round(part * (sorted.length - 1))] ?? Number.NaN;
  return { minimum: at(0), quarter: at(0.25), median: at(0.5), threeQuarters: at(0.75) };
}

/** A table of figures, a row each. */
export function table(unit: string, rows: Readonly<Record<string, Figures>>): string {
  const width = Math.max(...Object.keys(rows).map((name) => name.length));
  const cell = (text: string): string => text.padStart(10);
  const head = `${unit.padEnd(width)}${['minimum', 'quarter', 'median', '3 quarters'].map((word) => cell(word)).join('')}`;
  const lines = Object.entries(rows).map(([name, row]) => {
    const cells = [row.minimum, row.quarter, row.median, row.threeQuarters].map((value) => cell(value.toFixed(1)));
    return `${name.padEnd(width)}${cells.join('')}`;
  });
  return [head, ...lines].join('\n');
}

/** The number behind `--name`, or the default. */
export function option(name: string, byDefault: number): number {
  const index = process.argv.indexOf(`--${name}`);
  const value = index < 0 ? byDefault : Number(process.argv[index + 1]);
  if (!Number.isInteger(value) || value <= 0) throw new Error(`--${name} wants a whole number`);
  return value;
}
