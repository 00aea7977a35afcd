/**
 * What a terminal or a reader would obey, or not see: control characters (C0, DEL, C1), line and paragraph separators,
 * what turns the writing direction around, zero-width and other invisible characters, halves of surrogate pairs.
 * Variation selectors stay: they only choose between two forms of one character, as in ⚠️.
 * https://www.unicode.org/reports/tr36/ and https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
 */
const UNSEEN =
  /[[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]--[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]]/gv;

/**
 * Text from outside (names, titles, paths, what servers answer) as one line that is safe to show: everything a terminal
 * would obey or hide becomes an escape such as `\u001b`.
 */
export function printable(text: string): string {
  return withEscapes(text, code => {
    const hex = hexOf(code);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex}`;
  });
}

/** @param escaped what stands for a character that a terminal would obey or hide, by its code point */
export function withEscapes(text: string, escaped: (code: number) => string): string {
  return text.replace(UNSEEN, character => escaped(character.codePointAt(0) ?? 0));
}

function hexOf(code: number): string {
  return code.toString(16).padStart(4, '0');
}

/** The same for text of several lines, such as a page that a server answered: each line break becomes one space. */
export function printableLine(text: string): string {
  return printable(text.replace(/\s*\r?\n\s*|\t/g, ' '));
}

/**
 * A value as JSON in which all that a terminal would obey or hide is an escape. Programs read the same value from it as
 * from any other JSON text.
 * @param indent spaces a level; one line unless given
 */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSEEN, character =>
    // Inside of strings JSON has them escaped already.
    character === '\n'
      ? character
      : character
          .split('')
          .map(unit => `\\u${hexOf(unit.charCodeAt(0))}`)
          .join(''),
  );
}
