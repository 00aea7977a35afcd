import { describe, expect, it } from '@jest/globals';
import { createRedactor, displayUrl, maskedUrl } from '../../src/core/redact.ts';

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

  /** What Django's and other debug pages, Python's `repr` and careless servers make of a token. */
  const quote = (text: string) => encodeURIComponent(text).replace(/[!'()*~]/g, c => `%${hex(c)}`);
  const hex = (text: string) => Buffer.from(text).toString('hex');
  const each = (text: string, write: (code: number, character: string) => string) =>
    [...text].map(character => write(character.charCodeAt(0), character)).join('');
  const HIDDEN: [how: string, text: string][] = [
    ["by Python's quote()", quote(TOKEN).toLowerCase()],
    ["by Python's quote_plus()", quote(TOKEN).replaceAll('%20', '+')],
    ['by quote() of every character', each(TOKEN, (_, c) => `%${hex(c)}`)],
    ['twice URL-encoded', encodeURIComponent(quote(TOKEN))],
    ['three times URL-encoded', encodeURIComponent(encodeURIComponent(quote(TOKEN)))],
    ['by JavaScript’s old escape()', each(TOKEN, code => `%u00${code.toString(16)}`)],
    ['by Django, for HTML', TOKEN.replace(/[+/"&=]/g, c => `&#x${hex(c)};`)],
    ['in decimal entities', each(TOKEN, code => `&#${code};`)],
    ['in entities without semicolons', each(TOKEN, code => `&#${code}`)],
    ['in hex entities', each(TOKEN, code => `&#X${code.toString(16).toUpperCase()};`)],
    ['in named entities', TOKEN.replaceAll('/', '&sol;').replaceAll('+', '&plus;').replaceAll('"', '&QUOT;')],
    ['in HTML in HTML', TOKEN.replaceAll('&', '&amp;amp;').replaceAll('"', '&amp;quot;').replaceAll('/', '&amp;#47;')],
    ['URL-encoded in HTML', quote(TOKEN).replaceAll('%', '&#37;')],
    ["by Python's repr of bytes", each(TOKEN, code => `\\x${code.toString(16)}`)],
    ["by Python's repr, with quotes", TOKEN.replaceAll('"', '\\"').replaceAll('/', '\\/')],
    ['in octal escapes', each(TOKEN, code => `\\${code.toString(8)}`)],
    ['in JavaScript escapes', each(TOKEN, code => `\\u{${code.toString(16)}}`)],
    ['in JSON escapes', each(TOKEN, code => `\\u00${code.toString(16).toUpperCase()}`)],
    ['in long Python escapes', each(TOKEN, code => `\\U000000${code.toString(16)}`)],
    ['in JSON in JSON', JSON.stringify(JSON.stringify(each(TOKEN, code => `\\u00${code.toString(16)}`)))],
    ['as hex with spaces', hex(TOKEN).replace(/../g, '$& ')],
    ['as hex with colons', hex(TOKEN).replace(/../g, ':$&').toUpperCase()],
    ['as a list of hex numbers', hex(TOKEN).replace(/../g, '0x$&, ')],
    ['as a list of numbers', `[${[...Buffer.from(TOKEN)].join(', ')}]`],
    ['as quoted-printable', TOKEN.replace(/[=&"]/g, c => `=${hex(c).toUpperCase()}`).replace('token', 'to=\r\nken')],
    ['in base64 with line breaks', Buffer.from(`user:${TOKEN}`).toString('base64').replace(/.{9}/g, '$&\r\n')],
    ['in base64 of base64', Buffer.from(Buffer.from(`u${TOKEN}`).toString('base64')).toString('base64')],
    ['in base64 of a URL', Buffer.from(`?token=${quote(TOKEN)}`).toString('base64url')],
    [
      'in base64 in HTML',
      Buffer.from(TOKEN)
        .toString('base64')
        .replace(/[a-m]/g, c => `&#x${hex(c)};`),
    ],
    ['broken by a line break', `${TOKEN.slice(0, 9)}\n   ${TOKEN.slice(9)}`],
    ['broken by invisible characters', [...TOKEN].join('\u200b')],
    ['broken by tags', `${TOKEN.slice(0, 7)}<wbr>${TOKEN.slice(7, 12)}<b class="x">${TOKEN.slice(12)}</b>`],
    ['as two texts in a row', `'${TOKEN.slice(0, 9)}' '${TOKEN.slice(9)}'`],
    ['in wide characters', each(TOKEN, code => String.fromCharCode(code === 32 ? 0x3000 : code + 0xfee0))],
    ['cut at its end', TOKEN.slice(0, 8)],
    ['cut at its beginning', TOKEN.slice(-8)],
    ['cut on both sides', TOKEN.slice(7, 18)],
    ['cut, and URL-encoded', quote(TOKEN.slice(3, 16))],
    ['cut, in base64', Buffer.from(TOKEN.slice(2, 14)).toString('base64')],
    ['by the key that the signing secret encodes', 'fake-signing-secret-of-32-bytes!'],
    ['by that key in hex', hex('fake-signing-secret-of-32-bytes!')],
    ['more often escaped than anybody looks', `${'%25'.repeat(1)}${'25'.repeat(40)}66ake`],
  ];

  it.each(HIDDEN)('drops a text that has a secret in it: %s', (_, text) => {
    for (const dropped of [redact.foreign(`before ${text} after`), redact.excerpt(`before ${text} after`)]) {
      expect(dropped).toMatch(/^(before (\*\*\*)+ after|\(not shown: a secret may be in it\))$/);
    }
  });

  it.each([
    'Invalid or missing authentication token',
    '{"status":"error","message":"No user found with email: ada@example.com"}',
    '<!doctype html><title>502 Bad Gateway</title><p>nginx/1.22.1 &amp; &#x27;x&#39;',
    'C:\\Users\\new\\table %zz &unknown; \\u12 [1, 2, 3, 4, 5]',
    Buffer.from('a harmless text in base64').toString('base64'),
  ])('shows what has none: %s', text => {
    expect(redact.foreign(text)).toBe(text);
  });

  it('does not take words for parts of a secret that people made of them', () => {
    const { foreign } = createRedactor(['fake-recordings-webhook-token-7f3a9c']);
    for (const text of ['Recordings: X-Webhook-Token is missing', 'recording_id 3: no webhook token', '/recordings/']) {
      expect(foreign(text)).toBe(text);
    }
    for (const text of ['fake-recordings', 'recordings-webhook', 'token-7f', 'ken-7f3a9c', '-token-7']) {
      expect(foreign(text)).toMatch(/^\(not shown/);
    }
    expect(foreign('webhook-token-7')).toMatch(/^\(not shown/);
  });

  it('knows a secret that is such a word', () => {
    const { foreign } = createRedactor(['recordings']);
    expect(foreign('a recording')).toBe('a recording');
    expect(foreign('a %72ecordings')).toMatch(/^\(not shown/);
  });

  it('knows secrets of four to seven characters as a whole', () => {
    const { foreign } = createRedactor(['s3cr3t']);
    expect(foreign('a s3cr3 b')).toBe('a s3cr3 b');
    expect(foreign('a %733cr3t b')).toMatch(/^\(not shown/);
  });

  it('reads no further than an excerpt needs', () => {
    expect(redact.foreign('z'.repeat(1_000_000))).toMatch(/^z{4000,8192}$/);
    expect(redact.excerpt(`${'z '.repeat(5_000)}${'%25'.repeat(1_000_000)}`)).toHaveLength(500);
  });

  it('leaves text alone where there is no secret', () => {
    expect(createRedactor([])('as it was')).toBe('as it was');
  });
});

it.each([
  ['https://user:fake-password@example.org/a?b=1#c', 'https://example.org/a?…#…', 'https://***@example.org/a?…'],
  ['https://example.org:8443/a/@b', 'https://example.org:8443/a/@b', 'https://example.org:8443/a/@b'],
  ['https://example.org', 'https://example.org/', 'https://example.org'],
])('the URL %s is shown as %s, and in messages as %s', (url, shown, asWritten) => {
  expect([displayUrl(url), maskedUrl(url)]).toEqual([shown, asWritten]);
});

it.each([
  ['https://user:fake/pass@word#x?y@example.org/a', 'https://***@example.org/a'],
  ['https://user:fake-password@example.org:99999/a?token=fake', 'https://***@example.org:99999/a?…'],
  ['https:user:fake-password@exa mple.org', 'https:***@exa mple.org'],
  ['//user:fake-password@example.org', '//***@example.org'],
  ['user:fake-password@example.org?token=fake', '***@example.org?…'],
  ['example.org/a?token=fake', 'example.org/a?…'],
  ['https://[?token=fake', 'https://[?…'],
  ['not a URL\u001b[2J', 'not a URL\\u001b[2J'],
])('%s, which is no URL, is shown as %s', (text, shown) => {
  expect([displayUrl(text), maskedUrl(text)]).toEqual([shown, shown]);
});
