import { parseDatabaseUrl } from '../core/database-url.ts';

/** Shorter secrets cannot be redacted in logs: ordinary words would be masked with them. */
const SHORTEST_TOKEN = 4;

/** A character that cannot be seen, or told from another, by its name; undefined: there is none. */
function oddCharacter(text: string): string | undefined {
  const [character] = /\p{Default_Ignorable_Code_Point}|[\u00a0\u2000-\u200a\u202f\u3000]/u.exec(text) ?? [];
  if (character === undefined) return undefined;
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return /\s/.test(character) && character !== '\ufeff'
    ? `an unusual space (${code})`
    : `an invisible character (${code})`;
}

/** Why a text cannot be a token or key, which is sent unchanged as a header; undefined if it can. Never shows the text. */
export function flawOfToken(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (/^(["'`]).*\1$|^[\u2018-\u201f].*[\u2018-\u201f]$/su.test(text))
    return 'has quotes around it (the value is not shown)';
  const odd = oddCharacter(text);
  if (odd !== undefined) return `contains ${odd} (the value is not shown)`;
  if (/[\r\n]/.test(text)) return 'contains a newline (the value is not shown)';
  if (/\s/.test(text)) return 'contains white space (the value is not shown)';
  if (/[\u0000-\u001f\u007f]/.test(text)) return 'contains a control character (the value is not shown)';
  if (/[^\u0021-\u007e]/.test(text)) return 'contains a character that is not ASCII (the value is not shown)';
  if (text.length < SHORTEST_TOKEN) return `is shorter than ${SHORTEST_TOKEN} characters (the value is not shown)`;
  return undefined;
}

/** Why a text cannot be a signing secret; undefined if it can. https://github.com/standard-webhooks/standard-webhooks, "Signature scheme" */
export function flawOfSigningSecret(text: string): string | undefined {
  const expected = 'expected whsec_ and the base64 of 24 to 64 random bytes (the value is not shown)';
  const base64 = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?)$/.exec(text)?.[1];
  if (base64 === undefined) return expected;
  const { length } = Buffer.from(base64, 'base64');
  return length >= 24 && length <= 64 ? undefined : `${expected}, got ${length} bytes`;
}

/** Why a text cannot be the URL of the state's database; undefined if it can. Never shows the text. */
export function flawOfStateUrl(text: string): string | undefined {
  if (/[\s\p{Cc}]/u.test(text)) return 'contains white space (the value is not shown)';
  const parsed = parseDatabaseUrl(text);
  return parsed.ok ? undefined : `${parsed.flaw} (the value is not shown)`;
}
