import { readings, squeezed } from './readings.ts';
import { printableLine } from './text.ts';

const MASK = '***';
/** What is shown in place of a text that may have a secret, or a part of one, in it. */
const DROPPED = '(not shown: a secret may be in it)';
const EXCERPT_LENGTH = 500;
/** Of a text from outside nothing that comes later is shown, and nothing is examined: that would take seconds. */
const READ_LENGTH = 8 * 1024;
/** Masking shorter ones would blank out ordinary words; the configuration refuses them anyway. */
const SHORTEST_SECRET = 4;
/** So many characters of a secret in a row count as a part of it. */
const PART_LENGTH = 8;

/** Makes text from outside safe for logs, state and terminals. */
export interface Redactor {
  /**
   * Masks every known secret in a text of our own that may quote one, in the usual ways of writing it, as `***`. For text
   * from outside use `foreign`.
   */
  (text: string): string;
  /**
   * The same for text from outside. If a secret, or eight characters of one, may be in it in any other way, the whole text
   * is dropped, and a sentence says so. Of a text of more than 8 Ki characters only the beginning is left.
   */
  foreign(text: string): string;
  /** The same as one printable line of at most 500 characters. `truncated`: the text is the start of a longer one. */
  excerpt(text: string, options?: { truncated?: boolean }): string;
}

/**
 * Makes a redactor. It masks secrets as they are, trimmed, URL-, HTML- and JSON-escaped, as hex, and in base64 (also
 * inside a longer base64 text, as in an `Authorization: Basic` header), in upper and lower case. What `foreign` finds
 * beyond that is in `readings.ts`.
 * @param masked what is no secret, but is not shown either, such as the ID of an access key: only its usual forms count
 */
export function createRedactor(
  secrets: readonly string[],
  { masked = [] }: { masked?: readonly string[] } = {},
): Redactor {
  const forms = new Set([...secrets, ...masked].flatMap(formsOf).filter(form => form.length >= SHORTEST_SECRET));
  // Longest first: if a form contains another, masking the shorter one first would leave the rest of the longer one.
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const pattern = longestFirst.length > 0 ? new RegExp(longestFirst.map(escapePattern).join('|'), 'gi') : undefined;
  const longest = longestFirst[0]?.length ?? 0;
  const holdsPart = partFinder(secrets.flatMap(bareForms));

  const redact = (text: string) => (pattern ? text.replace(pattern, MASK) : text);
  // A secret that was cut in two is not recognised: drop as many characters as its beginning may have.
  const withoutRest = (text: string) => text.slice(0, Math.max(0, Math.min(text.length, READ_LENGTH) - longest));
  const foreign = (text: string) => {
    if (!pattern) return text;
    const masked = redact(text.length > READ_LENGTH ? withoutRest(text) : text);
    return readings(masked)?.some(holdsPart) === false ? masked : DROPPED;
  };
  const excerpt: Redactor['excerpt'] = (text, options = {}) => {
    const truncated = (options.truncated ?? false) || text.length > READ_LENGTH;
    const shown = foreign(unescapeAscii(truncated ? withoutRest(text) : text));
    if (shown === DROPPED) return DROPPED;
    const visible = printableLine(shown.trim());
    const characters = [...visible.slice(0, 2 * EXCERPT_LENGTH)];
    const isCut = truncated || visible.length > 2 * EXCERPT_LENGTH || characters.length > EXCERPT_LENGTH;
    return isCut ? `${characters.slice(0, EXCERPT_LENGTH - 1).join('')}…` : visible;
  };
  return Object.assign(redact, { foreign, excerpt });
}

/** Undoes the JSON escapes of ASCII characters, which could hide a secret. */
function unescapeAscii(text: string): string {
  return text.replace(/\\u00([2-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/**
 * People put words into their tokens (`recordings-webhook-token-…`), and servers say the same words: a part that is no more
 * than a piece of one of these tells nothing.
 */
const WORDS = [
  'recordings',
  'recording-',
  '-recording',
  'recording_id',
  'recordupload',
  'x-webhook-token',
  'webhook-token-',
  'webhook_token_',
  'webhook-signature',
  'webhook-timestamp',
  'webhook-secret-',
  '-webhook-id',
  'secret-access-key-',
  '-access-key-id',
  'session-token-',
  'authentication',
  'authorization',
  'application',
  'transcript',
  'thumbnail',
  'production',
  'password-',
  '-password',
  'username',
];

/** Finds eight characters in a row of a secret, or the whole of a shorter one, in any case. */
function partFinder(secrets: readonly string[]): (text: string) => boolean {
  const lowered = secrets.flatMap(text => [text, ...squeezed(text)]).map(text => text.toLowerCase());
  const wholes = [...new Set(lowered)].filter(({ length }) => length >= SHORTEST_SECRET);
  const parts = new Set<string>();
  for (const secret of wholes) {
    for (let at = 0; at + PART_LENGTH <= secret.length; at++) {
      const part = secret.slice(at, at + PART_LENGTH);
      if (!WORDS.some(word => word.includes(part))) parts.add(part);
    }
  }
  return text => {
    const lower = text.toLowerCase();
    if (wholes.some(secret => lower.includes(secret))) return true;
    for (let at = 0; at + PART_LENGTH <= lower.length; at++) {
      if (parts.has(lower.slice(at, at + PART_LENGTH))) return true;
    }
    return false;
  };
}

/** The secret, and what of it may be shown by itself: without its prefix, and the bytes that it is the base64 of. */
function bareForms(secret: string): string[] {
  const trimmed = secret.trim();
  if (trimmed.length < SHORTEST_SECRET) return [];
  const bytes = Buffer.from(trimmed).toString('latin1');
  if (!trimmed.startsWith('whsec_')) return [trimmed, bytes];
  const bare = trimmed.slice('whsec_'.length);
  return [trimmed, bare, Buffer.from(bare, 'base64').toString('latin1')];
}

/** A URL as it may be shown: without user name, password, query and fragment, all of which may be secrets. */
export function displayUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.host) return maskedUrl(text);
  const rest = (url.search && '?…') + (url.hash && '#…');
  return printableLine(`${url.protocol}//${url.host}${url.pathname}${rest}`);
}

/** The same for a text that may be no valid URL: what is shown of it stays as it was written. */
export function maskedUrl(text: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/+|https?:|\/+)?(.*)$/is.exec(text) ?? [];
  const isValid = URL.canParse(text) && new URL(text).host !== '';
  // Where a text is no valid URL, nobody can say where its password ends.
  const userInfo = isValid ? /^[^/?#\\]*@/ : /^.*@/s;
  const shown = rest.replace(userInfo, `${MASK}@`).replace(/\?.*$/s, '?…').replace(/#.*$/s, '#…');
  return printableLine(scheme + shown);
}

function formsOf(secret: string): string[] {
  const trimmed = secret.trim();
  if (trimmed.length < SHORTEST_SECRET) return [];
  const bare = trimmed.startsWith('whsec_') ? [trimmed.slice('whsec_'.length)] : [];
  return [trimmed, ...bare].flatMap(text => [
    text,
    encodeURI(text.toWellFormed()),
    encodeURIComponent(text.toWellFormed()),
    new URLSearchParams({ '': text }).toString().slice(1),
    text
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/"/g, '&quot;')
      .replace(/'/g, '&#39;'),
    JSON.stringify(text).slice(1, -1),
    JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
    Buffer.from(text).toString('hex'),
    ...base64Forms(text),
  ]);
}

/** The text in base64 at each of the three offsets it can start at, without the characters that its neighbours change. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].flatMap(offset => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
    const first = [0, 2, 3][offset];
    const last = Math.floor((bytes.length * 8) / 6);
    return (['base64', 'base64url'] as const).map(encoding => bytes.toString(encoding).slice(first, last));
  });
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
