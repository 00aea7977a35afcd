import { stripVTControlCharacters } from 'node:util';

/** What takes two columns: emoji that are drawn as such, and East Asian wide characters. */
const WIDE = /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u;
/** What takes none: marks upon the character before, and the selectors of its form. */
const NARROW = /\p{Mn}|\p{Me}|\p{Cf}/u;

/** How many columns a text takes on a terminal; colours take none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) {
    width += NARROW.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  }
  return width;
}

/** JSON stays whole: it may be copied. */
const JSON_LINE = /^\s*["{}[\]]/;

/**
 * A text for people in lines that fit, broken between words; terminals would break them inside of words. What goes on
 * is indented further than its beginning. A word that is longer than a line is left to the terminal, so that paths
 * and addresses can be copied.
 */
export function wrapText(text: string, columns: number): string {
  return text
    .split('\n')
    .flatMap(line => (JSON_LINE.test(line) ? [line] : wrapLine(line, columns)))
    .join('\n');
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
