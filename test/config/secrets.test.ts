import { chmod, chown } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { requireCredentials, requireToken } from '../../src/config/requirements.ts';
import { OLD_SIGNING_SECRET, originOf, SIGNING_SECRET, useDesk } from './support.ts';

const desk = useDesk();
const token = async (...options: Parameters<typeof desk.load>) =>
  (await desk.load(...options)).config.webhooks[0]?.token;

describe('a token', () => {
  test('comes from the environment, .env, a file or an rc file', async () => {
    expect(await token({ WEBHOOK_TOKEN: 'fake-env' })).toBe('fake-env');
    expect(await token({ RECORDUPLOAD_WEBHOOK_TOKEN: 'fake-ours' })).toBe('fake-ours');
    await desk.write('token.txt', 'fake-file\n');
    expect(await token({ WEBHOOK_TOKEN_FILE: 'token.txt' })).toBe('fake-file');
    await desk.write('.env', 'WEBHOOK_TOKEN="fake-dotenv"\n');
    expect(await token()).toBe('fake-dotenv');
    expect(await token({ WEBHOOK_TOKEN: 'fake-env' })).toBe('fake-env');
  });

  test('of a stronger source beats the same form in a weaker one, and says so without showing either', async () => {
    await desk.write('.recorduploadrc', 'webhook:\n  token: fake-rc\n');
    const loaded = await desk.load({ WEBHOOK_TOKEN: 'fake-env' });
    expect(loaded.config.webhooks[0]?.token).toBe('fake-env');
    expect(originOf(loaded, 'webhook.token')).toEqual({
      path: 'webhook.token',
      value: 'set',
      secret: true,
      source: 'WEBHOOK_TOKEN',
      trust: 'operator',
      shadows: ['.recorduploadrc:2'],
    });
    expect(JSON.stringify(loaded.origins)).not.toContain('fake');
  });

  test.each<[string, string, Record<string, string>]>([
    ['token and tokenFile in one file', 'webhook: {token: fake-rc, tokenFile: t}', {}],
    ['two variables', '', { WEBHOOK_TOKEN: 'fake-a', RECORDUPLOAD_WEBHOOK_TOKEN: 'fake-b' }],
    ['variable and variable with a file', '', { WEBHOOK_TOKEN: 'fake-a', WEBHOOK_TOKEN_FILE: 't' }],
  ])('from two sources (%s) is an error', async (_, rc, env) => {
    await desk.write('.recorduploadrc', rc);
    if (rc !== '') await desk.trust('.recorduploadrc');
    await desk.write('t', 'fake-file');
    const problems = await desk.problems(env);
    expect(problems).toEqual([
      expect.stringMatching(/^webhook\.token: two sources for one secret, .+ and .+: keep one$/),
    ]);
    expect(problems[0]).not.toContain('fake');
  });

  test.each<[string, string, Record<string, string>, string]>([
    ['variable beats a tokenFile', 'webhook: {tokenFile: t}', { WEBHOOK_TOKEN: 'fake-env' }, 'fake-env'],
    ['variable with a file beats a token', 'webhook: {token: fake-rc}', { WEBHOOK_TOKEN_FILE: 't' }, 'fake-file'],
  ])('of an environment %s in a file, with a warning', async (_, rc, env, wins) => {
    await desk.write('.recorduploadrc', rc);
    await desk.trust('.recorduploadrc');
    await desk.write('t', 'fake-file');
    const { config, warnings } = await desk.load(env);
    expect(config.webhooks[0]?.token).toBe(wins);
    expect(warnings).toEqual([`webhook.token: ${Object.keys(env)[0]} counts, and .recorduploadrc:1 does not`]);
  });

  test('of a variable is used although the weaker source names a file that does not exist', async () => {
    await desk.write('.recorduploadrc', 'webhook: {tokenFile: nowhere}');
    await desk.trust('.recorduploadrc');
    expect(await token({ WEBHOOK_TOKEN: 'fake-env' })).toBe('fake-env');
  });

  test('that two variables agree on is one token; the command line replaces all', async () => {
    expect(await token({ WEBHOOK_TOKEN: 'fake-a', RECORDUPLOAD_WEBHOOK_TOKEN: 'fake-a' })).toBe('fake-a');
    const flags = { 'webhook.token': 'fake-flag' };
    expect(await token({ WEBHOOK_TOKEN: 'fake-a', WEBHOOK_TOKEN_FILE: 't' }, { flags })).toBe('fake-flag');
  });

  test.each([
    ['fake token', 'white space'],
    ['fake-token\n', 'a newline'],
    ['fake-token\u0000', 'a control character'],
    ['fäke-token', 'not ASCII'],
    [' fake-token', 'white space'],
    ['abc', 'shorter than 4'],
  ])('like %j is refused without being shown', async (value, why) => {
    const problems = await desk.problems({ WEBHOOK_TOKEN: value });
    expect(problems).toEqual([expect.stringMatching(/^WEBHOOK_TOKEN: (contains|is shorter)/)]);
    expect(problems[0]).toContain(why);
    expect(problems[0]).not.toContain(value.trim());
  });

  test('file loses exactly one newline', async () => {
    await desk.write('t', 'fake-token\r\n');
    expect(await token({ WEBHOOK_TOKEN_FILE: 't' })).toBe('fake-token');
    await desk.write('t', 'fake-token\n\n');
    expect(await desk.problems({ WEBHOOK_TOKEN_FILE: 't' })).toEqual([
      expect.stringMatching(/^WEBHOOK_TOKEN_FILE: .*\/t contains a newline/),
    ]);
    await desk.write('t', '\n');
    expect(await desk.problems({ WEBHOOK_TOKEN_FILE: 't' })).toEqual([expect.stringMatching(/\/t is empty$/)]);
    expect(await desk.problems({ WEBHOOK_TOKEN_FILE: 'none' })).toEqual([
      expect.stringMatching(/\/none does not exist$/),
    ]);
    expect(await desk.problems({ WEBHOOK_TOKEN_FILE: '.' })).toEqual([expect.stringMatching(/ is not a file$/)]);
  });

  test('that is missing is asked for by the names of its variables', async () => {
    const { config } = await desk.load();
    expect(() => requireToken(config.webhooks[0]!)).toThrow(
      expect.objectContaining({ code: 'CONFIG', hint: expect.stringContaining('WEBHOOK_TOKEN') }),
    );
  });
});

describe('signing secrets', () => {
  test('come one by one, or two during a rotation', async () => {
    expect((await desk.load({ WEBHOOK_SECRET: SIGNING_SECRET })).config.webhooks[0]?.secrets).toEqual([SIGNING_SECRET]);
    await desk.write('.recorduploadrc', { webhook: { secrets: [SIGNING_SECRET, OLD_SIGNING_SECRET] } });
    expect((await desk.load()).config.webhooks[0]?.secrets).toEqual([SIGNING_SECRET, OLD_SIGNING_SECRET]);
  });

  test.each(['fake-secret', 'whsec_', 'whsec_ZmFrZQ==', `whsec_${Buffer.alloc(65).toString('base64')}`, 'whsec_%%%%'])(
    '%s is refused without being shown',
    async value => {
      const problems = await desk.problems({ WEBHOOK_SECRET: value });
      expect(problems).toEqual([expect.stringMatching(/^WEBHOOK_SECRET: expected whsec_ and the base64 of 24 to 64/)]);
      expect(problems[0]?.replace('expected whsec_', '')).not.toContain(value);
    },
  );
});

describe('permissions', () => {
  test('a file with a secret that others can read is refused with the mend', async () => {
    await desk.write('.recorduploadrc', 'webhook: {token: fake-rc}', 0o640);
    await desk.write('.env', 'WEBHOOK_TOKEN=fake-token\n', 0o604);
    expect(await desk.problems()).toEqual([
      '.recorduploadrc: contains a secret and can be read by other users: chmod 600 .recorduploadrc',
      '.env: contains a secret and can be read by other users: chmod 600 .env',
    ]);
    await desk.write('t', 'fake-file', 0o644);
    await desk.write('.recorduploadrc', '');
    await desk.write('.env', '');
    await chmod(path.join(desk.cwd, 't'), 0o644);
    expect(await desk.problems({ WEBHOOK_TOKEN_FILE: 't' })).toEqual([
      `WEBHOOK_TOKEN_FILE: ${desk.cwd}/t contains a secret and can be read by other users: chmod 600 ${desk.cwd}/t`,
    ]);
    expect(await token({ WEBHOOK_TOKEN_FILE: 't' }, { machine: { platform: 'win32' } })).toBe('fake-file');
  });

  test('a file without secrets may be read by all', async () => {
    await desk.write('.recorduploadrc', 'bucket: mine', 0o644);
    await desk.write('.env', 'OTHER_TOKEN=x\nWEBHOOK_URL=https://x.example.com\n', 0o644);
    expect((await desk.load()).config.bucket).toBe('mine');
  });

  test('configuration that is found is refused if others own it or may write it', async () => {
    const file = await desk.write('.recorduploadrc', 'bucket: mine');
    await chmod(file, 0o664);
    expect(await desk.problems()).toEqual([
      '.recorduploadrc: can be changed by other users: chmod go-w .recorduploadrc',
    ]);
    await chmod(file, 0o644);
    const uid = process.getuid?.() ?? 0;
    if (uid === 0) await chown(file, 4242, 0);
    const machine = uid === 0 ? {} : { uid: uid + 1 };
    expect(await desk.problems({}, { machine: { platform: 'linux', ...machine } })).toEqual([
      expect.stringMatching(/^\.recorduploadrc: belongs to another user \(uid \d+\) and is not used/),
    ]);
    expect((await desk.load({}, { configFile: file })).config.bucket).toBe('mine');
  });

  test("a .env for other programs is nobody's concern here", async () => {
    await chmod(await desk.write('.env', 'DATABASE_URL=x\n'), 0o666);
    expect((await desk.load()).config.bucket).toBe('fyemeet');
  });
});

describe("systemd's credentials", () => {
  test('are used where nothing else gives the secret', async () => {
    const folder = path.join(desk.cwd, 'credentials');
    for (const name of ['webhook-token', 'access-key-id', 'secret-access-key']) {
      await desk.write(path.join(folder, name), `fake-${name}\n`, 0o440);
    }
    await desk.write(path.join(folder, 'webhook-secret'), SIGNING_SECRET, 0o400);
    const loaded = await desk.load({ CREDENTIALS_DIRECTORY: folder });
    expect(loaded.config.webhooks[0]).toMatchObject({ token: 'fake-webhook-token', secrets: [SIGNING_SECRET] });
    expect(requireCredentials(loaded.config)).toMatchObject({
      accessKeyId: 'fake-access-key-id',
      secretAccessKey: 'fake-secret-access-key',
    });
    expect(originOf(loaded, 'webhook.token')?.source).toBe(path.join(folder, 'webhook-token'));
    expect(await token({ CREDENTIALS_DIRECTORY: folder, WEBHOOK_TOKEN: 'fake-env' })).toBe('fake-env');
  });

  test('are refused if everybody can read them', async () => {
    const file = await desk.write('webhook-token', 'fake-token', 0o444);
    await chmod(file, 0o444);
    expect(await desk.problems({ CREDENTIALS_DIRECTORY: desk.cwd })).toEqual([
      expect.stringMatching(/^CREDENTIALS_DIRECTORY: .*can be read by everybody: chmod o-r/),
    ]);
  });
});
