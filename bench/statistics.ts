// Statistics of a series of numbers, and tables of them.

export interface Quartiles {
  readonly minimum: number;
  readonly quarter: number;
  readonly median: number;
  readonly threeQuarters: number;
}

/** The quartiles of a series that is not empty, interpolated between the two nearest values. */
export function quartiles(series: readonly number[]): Quartiles {
  const sorted = [...series].sort((left, right) => left - right);
  const at = (part: number): number => {
    const place = part * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { minimum: at(0), quarter: at(0.25), median: at(0.5), threeQuarters: at(0.75) };
}

/** A mean and its standard error. */
export interface Mean {
  readonly mean: number;
  /** Null when there is only one value. */
  readonly standardError: number | null;
}

export function meanOf(values: readonly number[]): Mean {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { mean, standardError: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (count - 1) / count) };
}

/** The differences of two series, value by value. */
export function differences(left: readonly number[], right: readonly number[]): number[] {
  return left.map((value, index) => value - (right[index] ?? Number.NaN));
}

export type Cell = string | number | null;

/** A table of text: the first column is aligned left, the others right; numbers have one decimal. */
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

export const quartilesHead: readonly string[] = ['minimum', 'quarter', 'median', '3 quarters'];

/** The cells below `quartilesHead`. */
export function quartilesCells({ minimum, quarter, median, threeQuarters }: Quartiles): number[] {
  return [minimum, quarter, median, threeQuarters];
}

/** `12.3 ± 0.4`. */
export function meanCell({ mean, standardError }: Mean): string {
  return standardError === null ? shown(mean) : `${shown(mean)} ± ${shown(standardError)}`;
}
