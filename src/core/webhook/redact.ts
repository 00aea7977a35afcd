import { printableLine } from '../text.ts';
import type { Endpoint } from './endpoint.ts';

const MASK = '***';
const EXCERPT_LENGTH = 500;
/** Masking shorter ones would blank out ordinary words; the configuration refuses them anyway. */
const SHORTEST_SECRET = 4;

/** Makes text from outside safe for logs, state and terminals. */
export interface Redactor {
  /** Replaces every known secret in the text, however it is escaped, by `***`. */
  (text: string): string;
  /** The same as one printable line of at most 500 characters. `truncated`: the text is the start of a longer one. */
  excerpt(text: string, options?: { truncated?: boolean }): string;
}

/** Makes the redactor for one endpoint's responses: it knows the token and the signing secrets. */
export function redactorFor(endpoint: Pick<Endpoint, 'token' | 'secrets'>): Redactor {
  return createRedactor([endpoint.token ?? '', ...endpoint.secrets]);
}

/**
 * Makes a redactor. It finds secrets as they are, trimmed, URL-, HTML- and JSON-escaped, as hex, and in base64 (also
 * inside a longer base64 text, as in an `Authorization: Basic` header), in upper and lower case.
 */
export function createRedactor(secrets: readonly string[]): Redactor {
  const forms = new Set(secrets.flatMap(formsOf).filter(form => form.length >= SHORTEST_SECRET));
  // Longest first: if a form contains another, masking the shorter one first would leave the rest of the longer one.
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const pattern = longestFirst.length > 0 ? new RegExp(longestFirst.map(escapePattern).join('|'), 'gi') : undefined;
  const longest = longestFirst[0]?.length ?? 0;

  const redact = (text: string) => (pattern ? text.replace(pattern, MASK) : text);
  const excerpt: Redactor['excerpt'] = (text, { truncated = false } = {}) => {
    // A secret that was cut in two is not recognised: drop as many characters as its beginning may have.
    const whole = truncated ? text.slice(0, Math.max(0, text.length - longest)) : text;
    const visible = printableLine(redact(unescapeAscii(whole)).trim());
    const characters = [...visible.slice(0, 2 * EXCERPT_LENGTH)];
    const isCut = truncated || visible.length > 2 * EXCERPT_LENGTH || characters.length > EXCERPT_LENGTH;
    return isCut ? `${characters.slice(0, EXCERPT_LENGTH - 1).join('')}…` : visible;
  };
  return Object.assign(redact, { excerpt });
}

/** The URL without user name and password. */
export function displayUrl(url: string): string {
  if (!URL.canParse(url)) return printableLine(url);
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}

/** Undoes the JSON escapes of ASCII characters, which could hide a secret. */
function unescapeAscii(text: string): string {
  return text.replace(/\\u00([2-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
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
