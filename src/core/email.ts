/** Characters that nobody sees and no address has; they come along when an address is copied from a page or a chat. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Parses an e-mail address: text before and after an `@`, without white space. The server compares each character, so
 * invisible ones (zero width, soft hyphen, byte order mark) and white space around it are dropped.
 * @returns undefined if it is none
 */
export function parseEmail(text: string): string | undefined {
  const address = text.normalize('NFC').replace(INVISIBLE, '').trim();
  return /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(address) ? address : undefined;
}
