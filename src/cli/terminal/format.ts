import { displayWidth, padded } from './width.ts';

/** `1 file`, `3 files`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** No column is wider; a cell that is moves only what stands behind it in its own row. */
const MOST_COLUMN_WIDTH = 32;

/** Rows as aligned columns; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, Math.min(displayWidth(cell), MOST_COLUMN_WIDTH));
    }
  }
  return rows.map(row =>
    row.map((cell, index) => (index === row.length - 1 ? cell : padded(cell, widths[index] ?? 0))).join('  '),
  );
}
