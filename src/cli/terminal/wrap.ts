import { displayWidth } from './width.ts';

/** JSON stays whole: it may be copied. */
const JSON_LINE = /^\s*["{}[\]]/;

/** Stands for a space at which no line is broken; no text has it, because Unicode gives it no meaning for interchange. */
const JOINT = '\ufdd0';

/** A text that is to be copied as a whole: `wrapText` breaks no line inside of it. */
export function unbroken(text: string): string {
  return text.replaceAll(' ', JOINT);
}

/** Takes the marks of `unbroken` out of a text that is not wrapped. */
export function unmarked(text: string): string {
  return text.replaceAll(JOINT, ' ');
}

/**
 * A text for people in lines that fit, broken between words; terminals would break them inside of words. What goes on
 * is indented further than its beginning. A word that is longer than a line is left to the terminal, so that paths
 * and addresses can be copied.
 */
export function wrapText(text: string, columns: number): string {
  const lines = text.split('\n').flatMap(line => (JSON_LINE.test(line) ? [line] : wrapLine(line, columns)));
  return unmarked(lines.join('\n'));
}

function wrapLine(line: string, columns: number): string[] {
  if (displayWidth(line) <= columns) return [line];
  const indent = ' '.repeat(Math.min((/^ */.exec(line)?.[0].length ?? 0) + 2, Math.floor(columns / 4)));
  const lines: string[] = [];
  let current = '';
  // Each word with the spaces before it: columns of a table stay where they are.
  for (const [, spaces = '', word = ''] of line.matchAll(/( *)([^ ]+)/g)) {
    // What the terminal has broken itself ends somewhere in its last row.
    const width = displayWidth(current);
    const used = width <= columns ? width : ((width - 1) % columns) + 1;
    const isLong = displayWidth(word) > columns - indent.length;
    if (current === '' || isLong || used + spaces.length + displayWidth(word) <= columns) current += spaces + word;
    else {
      lines.push(current);
      current = indent + word;
    }
  }
  return [...lines, current];
}
