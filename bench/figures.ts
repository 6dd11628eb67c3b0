// Numbers of a series, and tables of them in a fixed format.

export interface Figures {
  readonly minimum: number;
  readonly quarter: number;
  readonly median: number;
  readonly threeQuarters: number;
}

/** Order statistics of a series that is not empty; between two values where none is in that place. */
export function figures(series: readonly number[]): Figures {
  const sorted = [...series].sort((left, right) => left - right);
  const at = (part: number): number => {
    const place = part * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { minimum: at(0), quarter: at(0.25), median: at(0.5), threeQuarters: at(0.75) };
}

/** A mean, and how far it may be off. */
export interface Mean {
  readonly mean: number;
  /** Null for a single value. */
  readonly standardError: number | null;
}

export function meanOf(values: readonly number[]): Mean {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { mean, standardError: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (count - 1) / count) };
}

/** What separates two series, value by value. */
export function differences(left: readonly number[], right: readonly number[]): number[] {
  return left.map((value, index) => value - (right[index] ?? Number.NaN));
}

export type Cell = string | number | null;

/** A table with the first column to the left and the others to the right; numbers have one decimal. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = [head, ...rows.map((row) => row.map(shown))];
  const widths = head.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(Math.max(10, (widths[column] ?? 0) + 2)),
      )
      .join('')
      .trimEnd();
  return texts.map(line).join('\n');
}

function shown(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  return cell === null || !Number.isFinite(cell) ? '–' : cell.toFixed(1);
}

export const figuresHead: readonly string[] = ['minimum', 'quarter', 'median', '3 quarters'];

/** The cells below `figuresHead`. */
export function figuresCells({ minimum, quarter, median, threeQuarters }: Figures): number[] {
  return [minimum, quarter, median, threeQuarters];
}

/** `12.3 ± 0.4`. */
export function meanCell({ mean, standardError }: Mean): string {
  return standardError === null ? shown(mean) : `${shown(mean)} ± ${shown(standardError)}`;
}
