import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { run as configInit } from '../../src/cli/commands/config/init/run.ts';
import { openDesk, openSandbox, readJson, SECRETS } from '../support/desk.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { runCli } from '../support/run-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

/** A folder with a configuration, and a home without one. */
function place(configuration?: string, mode = 0o600) {
  const home = tempDir();
  const cwd = tempDir();
  const file = join(cwd, '.recorduploadrc');
  if (configuration !== undefined) writeFileSync(file, configuration, { mode });
  const run = (args: string[], env: NodeJS.ProcessEnv = {}) => runCli(args, { cwd, env: { HOME: home, ...env } });
  return { home, cwd, file, run };
}

const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);

describe('config show', () => {
  test('says of each value where it comes from and what it shadows', async () => {
    const { run } = place('bucket: from-file\nuser:\n  email: ada@example.com\n');
    const { stdout, code } = await run(['config', 'show'], { RECORDUPLOAD_BUCKET: 'from-variable' });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^bucket +from-variable +operator +RECORDUPLOAD_BUCKET \(shadows \.recorduploadrc:1\)$/m);
    expect(stdout).toMatch(/^user\.email +ada@example\.com +folder +\.recorduploadrc:3$/m);
    expect(stdout).toMatch(/^region +us-west-1 +- +default$/m);
  });

  test('shows of a secret only that it is set', async () => {
    const { run } = place(`webhook:\n  token: ${SECRETS.token}\n`);
    const result = await run(['config', 'show'], { AWS_SECRET_ACCESS_KEY: SECRETS.secretAccessKey });
    expect(result.stdout).toMatch(/^webhook\.token +set +folder +\.recorduploadrc:2$/m);
    expect(result.stdout).toMatch(/^accessKeyId +unset +- +not set$/m);
    expect(result.stderr).toContain('secretAccessKey is set (AWS_SECRET_ACCESS_KEY), but accessKeyId is not');
    const json = await run(['config', 'show', '--json']);
    expect(result.stdout + result.stderr + json.stdout).not.toContain('fake-');
    const { result: shown } = readJson<{ values: { path: string; value: unknown; secret: boolean }[] }>(json);
    expect(shown.values).toContainEqual(
      expect.objectContaining({ path: 'webhook.token', value: 'set', secret: true, source: '.recorduploadrc:2' }),
    );
  });
});

describe('config validate', () => {
  test('one line for each problem, and exit status 2', async () => {
    const { run } = place('buckett: a\nregion: 5\n');
    const { stderr, stdout, code } = await run(['config', 'validate']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringContaining('.recorduploadrc: line 2: region: expected text, got 5'),
      '.recorduploadrc: line 1: buckett: unknown key (did you mean bucket?)',
    ]);
  });

  test('a right one is said to be right, with what is still missing for uploads', async () => {
    const { run } = place('bucket: recordings\n');
    const { stdout, code } = await run(['config', 'validate']);
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        '✔ the configuration is valid',
        '  not configured: access keys for the bucket',
        '  not configured: the token of the webhook default',
        '  not configured: user.email',
        '',
      ].join('\n'),
    );
  });

  test('a file that is named counts in place of the one found here', async () => {
    const { run, cwd } = place('bucket: recordings\n');
    writeFileSync(join(cwd, 'new.yaml'), 'concurrency: many\n', { mode: 0o600 });
    const { result, error } = readJson<{ valid: boolean; problems: string[] }>(
      await run(['config', 'validate', 'new.yaml', '--json']),
    );
    expect(result.problems).toEqual(['new.yaml: line 1: concurrency: expected a whole number, got "many"']);
    expect(error?.code).toBe('CONFIG');
  });
});

describe('config path', () => {
  test('names the files that were looked for and used, the state folder and the log, also where one is wrong', async () => {
    const { run, cwd, home } = place('buckett: a\nstateDir: state\n');
    const { stdout, stderr, code } = await run(['config', 'path']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^ +used +this folder's +${cwd}/.recorduploadrc$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^ +absent +your own +${home}/.config/recordupload/config.yaml$`, 'm'));
    expect(stdout).toContain(`state folder: ${cwd}/state\n`);
    expect(stdout).toContain(`log file:     ${cwd}/state/logs/app.log\n`);
    expect(stderr).toContain('recordupload config validate');
    expect(existsSync(join(cwd, 'state'))).toBe(false);
  });
});

describe('config init', () => {
  test('writes a configuration and the token into files of their own that nobody else can read', async () => {
    const { run, cwd, file } = place();
    writeFileSync(join(cwd, 'token'), `${SECRETS.token}\n`);
    const flags = ['--email', 'ada@example.com', '--bucket', 'recordings', '--token-file', 'token'];
    const { code, stdout, stderr } = await run(['config', 'init', '--here', ...flags]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain(SECRETS.token);
    expect(readFileSync(file, 'utf8')).not.toContain(SECRETS.token);
    expect(readFileSync(join(cwd, '.recordupload-token'), 'utf8')).toBe(`${SECRETS.token}\n`);
    expect([mode(file), mode(join(cwd, '.recordupload-token'))]).toEqual(['600', '600']);
    expect((await run(['config', 'validate'])).code).toBe(0);
    expect((await run(['config', 'show'])).stdout).toMatch(/^webhook\.token +set /m);
  });

  test('never replaces a file unless it is told to', async () => {
    const { run, file, cwd } = place('bucket: precious\n');
    const refused = await run(['config', 'init', '--here', '--bucket', 'other']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('exists and is not replaced (replace it with --force)');
    expect(readFileSync(file, 'utf8')).toBe('bucket: precious\n');
    chmodSync(file, 0o644);
    expect((await run(['config', 'init', '--here', '--bucket', 'other', '--force'])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('bucket: other');
    expect(mode(file)).toBe('600');
    expect(readdirSync(cwd)).toEqual(['.recorduploadrc']);
  });

  test('a token that is there already is not replaced either, and nothing is left half done', async () => {
    const { run, cwd, file } = place();
    writeFileSync(join(cwd, '.recordupload-token'), 'fake-older-token\n', { mode: 0o600 });
    writeFileSync(join(cwd, 'token'), 'fake-newer-token');
    expect((await run(['config', 'init', '--here', '--token-file', 'token'])).code).toBe(2);
    expect(existsSync(file)).toBe(false);
    expect(readFileSync(join(cwd, '.recordupload-token'), 'utf8')).toBe('fake-older-token\n');
  });

  test('takes no secret from the command line itself', async () => {
    const { run, file } = place();
    const { code, stderr } = await run(['config', 'init', '--here', '--token', SECRETS.token]);
    expect([code, existsSync(file)]).toEqual([2, false]);
    expect(stderr).not.toContain(SECRETS.token);
  });

  test('what is wrong is said with its option, and nothing is written', async () => {
    const { run, cwd } = place();
    const { code, stderr } = await run(['config', 'init', '--here', '--endpoint', 'ftp://a', '--email', 'ada']);
    expect(code).toBe(2);
    expect(stderr).toContain('--endpoint: expected an https:// URL');
    expect(stderr).toContain('--email: expected an e-mail address');
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('without a terminal and without options there is nobody to ask', async () => {
    const { run } = place();
    const { code, stderr } = await run(['config', 'init', '--here']);
    expect(code).toBe(2);
    expect(stderr).toContain('recordupload config init --help');
  });

  test('writes into the own folder of the user unless --here is given', async () => {
    const { run, home, cwd } = place();
    writeFileSync(join(cwd, 'token'), SECRETS.token);
    expect((await run(['config', 'init', '--bucket', 'everywhere', '--token-file', 'token'])).code).toBe(0);
    const folder = join(home, '.config/recordupload');
    expect(readdirSync(folder).toSorted()).toEqual(['config.yaml', 'webhook-token']);
    expect(readdirSync(cwd)).toEqual(['token']);
    expect((await run(['config', 'validate'])).code).toBe(0);
    writeFileSync(join(folder, 'webhook-token'), '');
  });

  test('refused for a secret that exists leaves neither files nor folders of its own behind', async () => {
    const { run, home, cwd } = place();
    for (const name of ['token', 'key']) writeFileSync(join(cwd, name), `fake-${name}`);
    const folder = join(home, '.config/recordupload');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'access-key-id'), 'fake-older', { mode: 0o600 });
    const secrets = ['--token-file', 'token', '--access-key-id-file', 'key'];
    expect((await run(['config', 'init', ...secrets])).code).toBe(2);
    expect(readdirSync(folder)).toEqual(['access-key-id']);
  });

  test('in a git repository adds the files of the secrets to .gitignore, once, and says so', async () => {
    const { run, cwd } = place();
    mkdirSync(join(cwd, '.git'));
    writeFileSync(join(cwd, '.gitignore'), 'node_modules');
    writeFileSync(join(cwd, 'token'), 'fake-token');
    const init = ['config', 'init', '--here', '--token-file', 'token', '--force'];
    expect((await run(init)).stdout).toContain('.gitignore keeps the secrets out of git');
    expect((await run(init)).code).toBe(0);
    expect(readFileSync(join(cwd, '.gitignore'), 'utf8')).toBe('node_modules\n/.recordupload-token\n');
    rmSync(join(cwd, '.gitignore'));
    symlinkSync('/nowhere', join(cwd, '.gitignore'));
    const { code, stderr } = await run(init);
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining("keep the secrets' files out of git yourself") as unknown,
    ]);
  });

  test('--user writes it where it counts in every folder', async () => {
    const { run, home, cwd } = place();
    expect((await run(['config', 'init', '--user', '--bucket', 'everywhere'])).code).toBe(0);
    expect(readdirSync(cwd)).toEqual([]);
    expect(mode(join(home, '.config/recordupload/config.yaml'))).toBe('600');
    expect((await run(['config', 'show'])).stdout).toMatch(/^bucket +everywhere /m);
  });

  test('--test asks the server at once whether the token is right', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox, { WEBHOOK_TOKEN: undefined, WEBHOOK_URL: undefined });
    const secretFolder = tempDir();
    writeFileSync(join(secretFolder, 'right'), SECRETS.token);
    writeFileSync(join(secretFolder, 'wrong'), 'fake-wrong-token');
    const init = (file: string) =>
      desk.run(
        [
          'config',
          'init',
          '--here',
          '--webhook-url',
          sandbox.receiver.url,
          '--token-file',
          join(secretFolder, file),
        ].concat(['--force', '--quiet', '--test']),
      );
    const wrong = await init('wrong');
    expect(wrong.code).toBe(5);
    const right = await init('right');
    expect({ ...right }).toMatchObject({ code: 0, stdout: '', stderr: '' });
    // The one place where the token belongs.
    writeFileSync(join(desk.cwd, '.recordupload-token'), '');
  });

  test('asks on a terminal, shows no secret that is typed, and asks again where the answer is wrong', async () => {
    const cwd = tempDir();
    const person = fakeTerminal({ cwd, env: { HOME: tempDir() } });
    const { signal } = new AbortController();
    const { terminal } = person;
    const running = configInit({
      command: 'config init',
      args: [],
      options: { here: true },
      terminal,
      commands: [],
      signal,
    });
    await person.answer('URL of the S3 service', '');
    await person.answer('Region', '');
    await person.answer('Bucket', 'recordings');
    await person.answer('AWS profile', 'recordings');
    await person.answer('e-mail', 'ada');
    await person.answer('expected an e-mail address', 'ada@example.com');
    await person.answer('Webhook URL', '');
    await person.answer('Webhook token', SECRETS.token);
    expect(await running).toBe(0);
    expect(person.out() + person.err()).not.toContain(SECRETS.token);
    expect(readFileSync(join(cwd, '.recordupload-token'), 'utf8')).toBe(`${SECRETS.token}\n`);
    expect(readFileSync(join(cwd, '.recorduploadrc'), 'utf8')).toContain('email: ada@example.com');
  });

  test('an interruption while it asks writes nothing', async () => {
    const cwd = tempDir();
    const { terminal, answer } = fakeTerminal({ cwd });
    const stop = new AbortController();
    const running = configInit({
      command: 'config init',
      args: [],
      options: { here: true },
      terminal,
      commands: [],
      signal: stop.signal,
    });
    await answer('URL of the S3 service', '');
    stop.abort(new Error('interrupted'));
    await expect(running).rejects.toThrow('interrupted');
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('takes the token from standard input', async () => {
    const cwd = tempDir();
    const pipe = fakeTerminal({ cwd, env: { HOME: tempDir() }, isTTY: false });
    pipe.end(`${SECRETS.token}\n`);
    const { signal } = new AbortController();
    const options = { tokenFile: '-', here: true };
    const { terminal } = pipe;
    expect(await configInit({ command: 'config init', args: [], options, terminal, commands: [], signal })).toBe(0);
    expect(readFileSync(join(cwd, '.recordupload-token'), 'utf8')).toBe(`${SECRETS.token}\n`);
  });
});
