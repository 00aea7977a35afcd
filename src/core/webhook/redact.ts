import type { Endpoint } from './endpoint.ts';

const MASK = '***';
const EXCERPT_LENGTH = 500;
/** Shorter ones would blank out ordinary words; configuration refuses them anyway. */
const SHORTEST_SECRET = 4;

/** Makes text of unknown origin fit for logs, state and terminals. */
export interface Redactor {
  /** The text with every known secret, in whatever escaping, replaced by `***`. */
  (text: string): string;
  /** The same, control characters made visible, at most 500 characters. `truncated`: the text is the start of more. */
  excerpt(text: string, options?: { truncated?: boolean }): string;
}

/** The redactor for what one endpoint answers: knows its token and signing secrets. */
export function redactorFor(endpoint: Pick<Endpoint, 'token' | 'secrets'>): Redactor {
  return createRedactor([endpoint.token ?? '', ...endpoint.secrets]);
}

/**
 * The one redaction. Secrets are found as they are, trimmed, URL-, HTML- and JSON-escaped, as hex, and in base64 (also
 * inside a longer base64 text, as in an `Authorization: Basic` header), whatever their upper and lower case.
 */
export function createRedactor(secrets: readonly string[]): Redactor {
  const forms = new Set(secrets.flatMap(formsOf).filter(form => form.length >= SHORTEST_SECRET));
  // Longest first: a form that contains another must not leave its rest behind.
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const pattern = longestFirst.length > 0 ? new RegExp(longestFirst.map(escapePattern).join('|'), 'gi') : undefined;
  const longest = longestFirst[0]?.length ?? 0;

  const redact = (text: string) => (pattern ? text.replace(pattern, MASK) : text);
  const excerpt: Redactor['excerpt'] = (text, { truncated = false } = {}) => {
    // A secret that the cap cut in two is not recognised: what could be its beginning goes too.
    const whole = truncated ? text.slice(0, Math.max(0, text.length - longest)) : text;
    const visible = showControls(redact(unescapeAscii(whole)).trim());
    const characters = [...visible.slice(0, 2 * EXCERPT_LENGTH)];
    const isCut = truncated || visible.length > 2 * EXCERPT_LENGTH || characters.length > EXCERPT_LENGTH;
    return isCut ? `${characters.slice(0, EXCERPT_LENGTH - 1).join('')}…` : visible;
  };
  return Object.assign(redact, { excerpt });
}

/** The URL as it may be shown: without user name and password. */
export function displayUrl(url: string): string {
  if (!URL.canParse(url)) return showControls(url);
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}

/** Control characters and those that turn text around, as escapes: an answer must not drive the operator's terminal. */
export function showControls(text: string): string {
  return text
    .replace(/\s*\r?\n\s*/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, character =>
      character === '\t' ? ' ' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

/** JSON may write any character as an escape, and so hide a secret. */
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

/** How a text looks in base64 at each of the three places it can start at, less the characters its neighbours touch. */
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
