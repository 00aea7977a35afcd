/*
 * The ways in which programs write a text: escapes of URLs, HTML, JSON, JavaScript and Python, also several times over and
 * mixed; base64, hex and lists of numbers; broken into lines. A secret is looked for in all of them.
 */

/** Text that is escaped more often than this is not examined further. */
const MAX_ROUNDS = 8;
/** Base64 and the like inside of base64 and the like is decoded once more. */
const MAX_DEPTH = 1;

/**
 * All readings of a text: as it is, and with its escapes and codings undone. They are for comparison only; none of them is
 * fit to be shown.
 * @returns undefined if the text is escaped so often that not all readings can be found
 */
export function readings(text: string, depth = 0): string[] | undefined {
  const found: string[] = [];
  let view = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    found.push(view, ...squeezed(view));
    for (const decoded of depth > MAX_DEPTH ? [] : decodings(view)) {
      const inner = readings(decoded, depth + 1);
      if (!inner) return undefined;
      found.push(...inner);
    }
    const next = unescaped(view);
    if (next === view) return found;
    view = next;
  }
  return undefined;
}

/** Without what breaks a text into pieces: white space, invisible characters, quotes, plus signs and commas, also tags. */
export function squeezed(text: string): string[] {
  const squeeze = (some: string) => some.normalize('NFKC').replace(/[\s\p{Cc}\p{Cf}'"`+,\\]+/gu, '');
  return [...new Set([squeeze(text), squeeze(text.replace(/<[^<>]*>/g, ''))])];
}

/** The HTML entities of ASCII characters. https://html.spec.whatwg.org/multipage/named-characters.html */
const ENTITIES: Readonly<Record<string, string>> = {
  Tab: '\t',
  NewLine: '\n',
  nbsp: ' ',
  excl: '!',
  quot: '"',
  QUOT: '"',
  num: '#',
  dollar: '$',
  percnt: '%',
  amp: '&',
  AMP: '&',
  apos: "'",
  lpar: '(',
  rpar: ')',
  ast: '*',
  midast: '*',
  plus: '+',
  comma: ',',
  hyphen: '-',
  dash: '-',
  period: '.',
  sol: '/',
  colon: ':',
  semi: ';',
  lt: '<',
  LT: '<',
  equals: '=',
  gt: '>',
  GT: '>',
  quest: '?',
  commat: '@',
  lsqb: '[',
  lbrack: '[',
  bsol: '\\',
  rsqb: ']',
  rbrack: ']',
  Hat: '^',
  lowbar: '_',
  UnderBar: '_',
  grave: '`',
  DiacriticalGrave: '`',
  lcub: '{',
  lbrace: '{',
  verbar: '|',
  vert: '|',
  VerticalLine: '|',
  rcub: '}',
  rbrace: '}',
  shy: '',
};
const NAMES = Object.keys(ENTITIES).sort((a, b) => b.length - a.length);

const H = '[0-9a-fA-F]';
/** Each has the digits of a number in a group: `%2F`, `%u002F`, `&#x2F;`, `\x2f`, `\u002f`, `\u{2f}`, `\U0000002f`. */
const HEX_ESCAPES = [
  `%u(${H}{4})`,
  `%(${H}{2})`,
  `&#[xX](${H}{1,6});?`,
  `\\\\x(${H}{2})`,
  `\\\\u\\{(${H}{1,6})\\}`,
  `\\\\u(${H}{4})`,
  `\\\\U(${H}{8})`,
];
const ESCAPE = new RegExp(
  `${HEX_ESCAPES.join('|')}|&#(?<decimal>\\d{1,7});?|&(?<name>${NAMES.join('|')});?|\\\\(?<octal>[0-7]{1,3})|\\\\(?<plain>[^0-7])`,
  'gsu',
);
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v' };

/** Undoes one layer of escapes, of all kinds at once. */
function unescaped(text: string): string {
  return text.replace(ESCAPE, (whole: string, ...groups: unknown[]) => {
    const { decimal, name, octal, plain } = groups.at(-1) as Record<string, string | undefined>;
    if (name !== undefined) return ENTITIES[name] ?? whole;
    if (plain !== undefined) return CONTROLS[plain] ?? plain;
    if (octal !== undefined) return characterOf(Number.parseInt(octal, 8));
    if (decimal !== undefined) return characterOf(Number(decimal));
    const hex = groups.slice(0, HEX_ESCAPES.length).find(group => group !== undefined);
    return characterOf(Number.parseInt(String(hex), 16));
  });
}

function characterOf(code: number): string {
  return code <= 0x10_ffff ? String.fromCodePoint(code) : '';
}

/** What the text may be the base64, hex, quoted-printable or list of bytes of. */
function decodings(text: string): string[] {
  return [...base64Decodings(text), ...hexDecodings(text), ...numberDecodings(text), quotedPrintable(text)].filter(
    decoded => decoded !== '' && decoded !== text,
  );
}

/** Where the base64 begins is not known: one of four characters in a row begins a group. */
function base64Decodings(text: string): string[] {
  const runs = text.replace(/\s+/g, '').match(/[\w+/-]{11,}/g) ?? [];
  return [0, 1, 2, 3].map(offset =>
    runs.map(run => Buffer.from(run.slice(offset), 'base64').toString('latin1')).join('\n'),
  );
}

/** Whatever stands between the digits. */
function hexDecodings(text: string): string[] {
  const digits = text.replace(/0x/gi, '').replace(/[^0-9a-f]+/gi, '');
  return [0, 1].map(offset => Buffer.from(digits.slice(offset), 'hex').toString('latin1'));
}

/** As in `[102, 97, 107, 101]`. */
function numberDecodings(text: string): string[] {
  const lists = text.match(/\d{1,3}(?:\D{1,3}\d{1,3}){3,}/g) ?? [];
  return lists.map(list => String.fromCharCode(...(list.match(/\d+/g) ?? []).map(Number)));
}

/** As in e-mails: `=2F`, with `=` at the end of a line that goes on. */
function quotedPrintable(text: string): string {
  return text
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => characterOf(Number.parseInt(hex, 16)));
}
