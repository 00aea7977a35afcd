import { printable, withEscapes } from './text.ts';

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
    return `$'${withEscapes(shown, shellEscape)}'`;
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
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
