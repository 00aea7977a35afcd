import { describe, expect, it } from '@jest/globals';
import { createRedactor, displayUrl } from '../../../src/core/webhook/redact.ts';

const TOKEN = 'fake/token+for "tests"&more=';
const SECRET = `whsec_${Buffer.from('fake-signing-secret-of-32-bytes!').toString('base64')}`;

describe('redaction', () => {
  const redact = createRedactor([TOKEN, SECRET, '']);

  it.each([
    ['as it is', TOKEN],
    ['in capitals', TOKEN.toUpperCase()],
    ['URL-encoded', encodeURIComponent(TOKEN)],
    ['URL-encoded in lower case', encodeURIComponent(TOKEN).toLowerCase()],
    ['as a form value', new URLSearchParams({ a: TOKEN }).toString().slice(2)],
    ['in JSON', JSON.stringify(TOKEN).slice(1, -1)],
    ['in JSON with escaped slashes', JSON.stringify(TOKEN).slice(1, -1).replaceAll('/', '\\/')],
    ['in HTML', 'fake/token+for &quot;tests&quot;&amp;more='],
    ['as hex', Buffer.from(TOKEN).toString('hex')],
    ['the signing secret', SECRET],
    ['the signing secret without its prefix', SECRET.slice(6)],
  ])('finds a secret %s', (_, text) => {
    expect(redact(`before ${text} after`)).toBe('before *** after');
  });

  it.each(['', 'a', 'ab', 'user:'])('finds it inside a longer base64 text (after %j)', before => {
    const text = Buffer.from(`${before}${TOKEN}:tail`).toString('base64');
    const redacted = redact(text);
    expect(redacted).toContain('***');
    expect(Buffer.from(redacted.replace('***', ''), 'base64').toString()).not.toContain('token');
  });

  it('cuts excerpts after redacting, so that no half of a secret stays', () => {
    for (let padding = 470; padding < 510; padding++) {
      expect(redact.excerpt(`${'x'.repeat(padding)}${TOKEN}`)).not.toMatch(/fa/);
    }
    const cutByCap = `${'y'.repeat(100)}${TOKEN.slice(0, 12)}`;
    expect(redact.excerpt(cutByCap, { truncated: true })).not.toMatch(/fa/);
    expect(redact.excerpt('z'.repeat(2000))).toHaveLength(500);
  });

  it('finds a secret that JSON escapes hide', () => {
    const hidden =
      [...'fake'].map(c => `\\u00${c.charCodeAt(0).toString(16)}`).join('') +
      JSON.stringify(TOKEN.slice(4)).slice(1, -1);
    expect(redact.excerpt(`{"message":"${hidden}"}`)).toBe('{"message":"***"}');
  });

  it('shows control characters instead of sending them to the terminal', () => {
    expect(redact.excerpt('a\u001b[2Jb\r\nc\u202ed')).toBe('a\\u001b[2Jb c\\u202ed');
  });

  it('leaves text alone where there is no secret', () => {
    expect(createRedactor([])('as it was')).toBe('as it was');
  });
});

it('URLs are shown without user name and password', () => {
  expect(displayUrl('https://user:fake-password@example.org/a?b=1')).toBe('https://example.org/a?b=1');
});
