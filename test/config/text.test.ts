import { describe, expect, test } from '@jest/globals';
import { useDesk } from './support.ts';

const desk = useDesk();
const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16();
const UTF16: [string, (text: string) => Buffer][] = [
  ['UTF-16 as Windows writes it', text => Buffer.from(`\ufeff${text}`, 'utf16le')],
  ['UTF-16, big-endian', text => bigEndian(`\ufeff${text}`)],
  ['UTF-16 without a mark', text => Buffer.from(text, 'utf16le')],
];

describe('a configuration file', () => {
  test.each([
    ['.recorduploadrc', 'bucket: mine\n'],
    ['.recorduploadrc.json', '{"bucket": "mine"}'],
    ['.recorduploadrc.yaml', 'bucket: mine\r\n'],
  ])('%s with a byte order mark is read', async (name, text) => {
    await desk.write(name, `\ufeff${text}`);
    expect((await desk.load()).config.bucket).toBe('mine');
  });

  describe.each(UTF16)('in %s', (_what, encode) => {
    test.each([
      ['.recorduploadrc', 'bucket: mine\n'],
      ['.recorduploadrc.json', '{"bucket": "mine"}'],
    ])('is named as such: %s', async (name, text) => {
      await desk.write(name, encode(text));
      expect(await desk.problems()).toEqual([`${name}: is UTF-16; save it as UTF-8`]);
    });
  });

  test('in another encoding is named as such, too', async () => {
    await desk.write('.recorduploadrc', Buffer.from('user:\n  name: Zoë\n', 'latin1'));
    expect(await desk.problems()).toEqual(['.recorduploadrc: is not UTF-8 text; save it as UTF-8']);
  });
});

describe('.env', () => {
  const token = async (text: string | Buffer) => {
    await desk.write('.env', text);
    return (await desk.load({ WEBHOOK_URL: 'https://ops.example.com/' })).config.user.name;
  };

  test.each([
    ['\ufeffRECORDUPLOAD_USER_NAME=Ada', 'Ada'],
    ['RECORDUPLOAD_USER_NAME=Ada#2', 'Ada#2'],
    ['RECORDUPLOAD_USER_NAME=Ada#2 # a comment', 'Ada#2'],
    ['RECORDUPLOAD_USER_NAME=#2', '#2'],
    ['RECORDUPLOAD_USER_NAME=Ada # a comment', 'Ada'],
    ['RECORDUPLOAD_USER_NAME=Ada\t#2', 'Ada'],
    ['RECORDUPLOAD_USER_NAME= # nothing', undefined],
    ['RECORDUPLOAD_USER_NAME="Ada #2" # a comment', 'Ada #2'],
    ["export RECORDUPLOAD_USER_NAME='Ada#2'", 'Ada#2'],
    ['export RECORDUPLOAD_USER_NAME=Ada#2#3\r\nOTHER=x\r\n', 'Ada#2#3'],
    ['OTHER="\nRECORDUPLOAD_USER_NAME=not#this\n"\n', undefined],
    ['RECORDUPLOAD_USER_NAME=Ada\nOTHER="\nRECORDUPLOAD_USER_NAME=Eve#1\n"\n', 'Ada'],
  ])('%j', async (text, name) => {
    expect(await token(text)).toBe(name);
  });

  test('keeps the # of a password, quoted or not: only one behind a space begins a comment', async () => {
    await desk.write('.env', 'WEBHOOK_URL=https://ops.example.com/\nWEBHOOK_TOKEN=fake#token#2 # not this\n');
    expect((await desk.load()).config.webhooks[0]?.token).toBe('fake#token#2');
    await desk.write('.env', 'WEBHOOK_URL=https://ops.example.com/\nWEBHOOK_TOKEN="fake#token#3"\n');
    expect((await desk.load()).config.webhooks[0]?.token).toBe('fake#token#3');
  });

  test.each(UTF16)('in %s is named as such if it is ours', async (_what, encode) => {
    await desk.write('.env', encode('WEBHOOK_URL=https://ops.example.com/\n'));
    expect(await desk.problems()).toEqual(['.env: is UTF-16; save it as UTF-8']);
    await desk.write('.env', encode('DATABASE_URL=postgres://localhost\n'));
    expect((await desk.load()).warnings).toEqual([]);
  });
});

describe('a token file', () => {
  const problemsOf = async (content: string | Buffer) => {
    await desk.write('t', content);
    return await desk.problems({ WEBHOOK_TOKEN_FILE: 't' });
  };

  test('with a byte order mark is read', async () => {
    await desk.write('t', '\ufefffake-token\n');
    expect((await desk.load({ WEBHOOK_TOKEN_FILE: 't' })).config.webhooks[0]?.token).toBe('fake-token');
  });

  test.each(UTF16)('in %s is named as such', async (_what, encode) => {
    expect(await problemsOf(encode('fake-token\n'))).toEqual([
      expect.stringMatching(/^WEBHOOK_TOKEN_FILE: \/.*\/t is UTF-16; save it as UTF-8$/),
    ]);
  });

  test.each([
    ['"fake-token"', 'has quotes around it'],
    ["'fake-token'", 'has quotes around it'],
    ['“fake-token”', 'has quotes around it'],
    ['fake\u200b-token', 'contains an invisible character (U+200B)'],
    ['fake-token\u00ad', 'contains an invisible character (U+00AD)'],
    ['fake\u00a0token', 'contains an unusual space (U+00A0)'],
  ])('with %j says what is wrong, and not the token', async (content, flaw) => {
    expect(await problemsOf(content)).toEqual([expect.stringContaining(`/t ${flaw} (the value is not shown)`)]);
    expect(await desk.problems({ WEBHOOK_TOKEN: content })).toEqual([
      `WEBHOOK_TOKEN: ${flaw} (the value is not shown)`,
    ]);
  });
});

describe('user.email', () => {
  test.each([
    ['zero-width characters', 'a\u200bda\u200d@example.com\ufeff'],
    ['a soft hyphen', 'ada@exam\u00adple.com'],
    ['white space around it', ' ada@example.com\u00a0'],
  ])('loses %s', async (_what, email) => {
    await desk.write('.recorduploadrc', { user: { email } });
    expect((await desk.load()).config.user.email).toBe('ada@example.com');
    expect((await desk.load({ RECORDUPLOAD_USER_EMAIL: email })).config.user.email).toBe('ada@example.com');
  });

  test('with a space within it is none', async () => {
    expect(await desk.problems({ RECORDUPLOAD_USER_EMAIL: 'ada\u00a0l@example.com' })).toEqual([
      expect.stringContaining('RECORDUPLOAD_USER_EMAIL: expected an e-mail address'),
    ]);
  });
});

test('a file of certificates in UTF-16 is named as such', async () => {
  await desk.write('ca.pem', Buffer.from('\ufeff-----BEGIN CERTIFICATE-----', 'utf16le'));
  await desk.write('.recorduploadrc', 'caFile: ca.pem');
  expect(await desk.problems()).toEqual([expect.stringMatching(/caFile: .*ca\.pem is UTF-16; save it as UTF-8$/)]);
});
