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
  return text.replace(UNSEEN, character => {
    const hex = hexOf(character.codePointAt(0) ?? 0);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex}`;
  });
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

/**
 * A text as one word of a shell's command line. One that a terminal would not show as it is gets the form `$'…'` with
 * escapes, as bash and zsh have it: what is shown can still be copied.
 *
 * On Windows it is a word of both cmd and PowerShell, as far as there is one: a path has no double quotes.
 */
export function shellQuoted(text: string, platform = process.platform): string {
  if (platform === 'win32') return windowsQuoted(text);
  if (printable(text) !== text) {
    const shown = text.toWellFormed().replace(/[\\']/g, '\\$&');
    return `$'${shown.replace(UNSEEN, character => shellEscape(character.codePointAt(0) ?? 0))}'`;
  }
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** PowerShell expands `$` and a backtick within double quotes; cmd knows no single ones. */
function windowsQuoted(text: string): string {
  const shown = printable(text);
  if (/^[\w.\\/%+=:-]+$/.test(shown)) return shown;
  return /[$`"]/.test(shown) ? `'${shown.replaceAll("'", "''")}'` : `"${shown}"`;
}

/** Always of full length: a digit that follows must not count. */
function shellEscape(code: number): string {
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${hexOf(code)}`;
}
