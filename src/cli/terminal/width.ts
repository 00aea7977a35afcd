import stringWidth from './string-width.ts';

/** How many columns a text takes on a terminal; colours take none. */
export function displayWidth(text: string): number {
  // Most text is ASCII, and the library is slow to load.
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}

/** The text with spaces behind it, up to a width in columns. */
export function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
}

/** The end of a text that is wider than `columns`, behind an ellipsis: names differ more often there than at the start. */
export function shortened(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  const characters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  let start = characters.length;
  while (start > 0 && displayWidth(characters.slice(start - 1).join('')) < columns) start--;
  return `…${characters.slice(start).join('')}`;
}
