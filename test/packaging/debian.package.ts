import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { read } from '../docs/support.ts';
import { EMAIL, openSandbox, webhooksOf } from '../support/desk.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../watch/support.ts';
import { OLDER } from './build-packages.ts';
import { type Chroot, openChroot } from './chroot.ts';
import { root, tried } from './tools.ts';

/* The Debian package, installed in a Debian without Node. */

const { version } = JSON.parse(read('package.json')) as { version: string };
const NAME = `recordupload_${version}_amd64.deb`;
const CONFIG = 'etc/recordupload/config.yaml';
const STATE = 'var/lib/recordupload';
const AS_SERVICE = 'runuser -u recordupload -- recordupload';
const WITH_CONFIG = '--config /etc/recordupload/config.yaml';
/** It cannot see whether root still writes to a file, and waits until nothing has changed for this long. */
const QUIET = { RECORDUPLOAD_WATCH_QUIET: '1s' };

/** Prints the version that is installed. */
const SAY_VERSION = "dpkg -s recordupload | sed -n 's/^Version: //p'";

const sandbox = await openSandbox();

/** A Debian with both packages in `/root`, and a recording in `/var/recordings`. */
function openMachine(): Chroot {
  const machine = openChroot();
  copyFileSync(join(tried, NAME), join(machine.folder, 'root/new.deb'));
  copyFileSync(join(tried, 'older', `recordupload_${OLDER}_amd64.deb`), join(machine.folder, 'root/old.deb'));
  cpSync(join(root, 'fixtures/recordings/3'), join(machine.folder, 'var/recordings/3'), { recursive: true });
  return machine;
}

/** Configures it as README.Debian says. */
async function configure(machine: Chroot, { token }: { token: string }): Promise<void> {
  const secrets = {
    'webhook-token': token,
    'access-key-id': sandbox.s3.accessKeyId,
    'secret-access-key': sandbox.s3.secretAccessKey,
  };
  for (const [name, secret] of Object.entries(secrets)) {
    const install = `install -m 600 -o recordupload -g recordupload /dev/stdin /etc/recordupload/${name}`;
    expect(await machine.shell(`echo '${secret}' | ${install}`)).toMatchObject({ status: 0, stderr: '' });
  }
  const text = readFileSync(join(machine.folder, CONFIG), 'utf8')
    .replace(/^#endpoint: .*$/m, `endpoint: ${sandbox.s3.url}`)
    .replace(/^#bucket: .*$/m, `bucket: ${sandbox.s3.bucket}`)
    .replace(/^#user:\n#( +email: ).*$/m, `user:\n $1${EMAIL}`)
    .replace(/^( +)#url: .*$/m, `$1url: ${sandbox.receiver.url}`);
  writeFileSync(join(machine.folder, CONFIG), text);
}

/** Every path in it and what kind it is, without /proc, /run, logs, caches, and the lists of apt, dpkg and users. */
function pathsIn({ folder }: Chroot): string[] {
  const { stdout } = spawnSync('find', [folder, '-xdev', '-printf', '%P %y\n'], { encoding: 'utf8' });
  const others =
    /^(?:root|run|var\/(?:log|cache|lib\/(?:apt|dpkg))|etc\/(?:passwd|group|g?shadow|sub[ug]id))(?:[/ ]|- )/;
  return stdout
    .split('\n')
    .filter(line => !others.test(line))
    .sort();
}

/** When a package was made, in seconds since 1970: ar(5) has it at the 24th byte. */
function madeAt(file: string): string {
  return readFileSync(file).subarray(24, 36).toString().trim();
}

describe('the file', () => {
  const file = join(tried, NAME);

  test('has nothing that lintian warns of', () => {
    const { status, stdout } = spawnSync('lintian', ['--fail-on', 'error,warning', file], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  test('is the same bytes in another time zone and with another umask', () => {
    const out = tempDir();
    const build = [process.execPath, 'scripts/debian/build.ts', '--level', '0', '--out', out];
    execFileSync('sh', ['-c', 'umask 077; exec "$@"', 'sh', ...build, '--executables', join(tried, 'executables')], {
      cwd: root,
      env: { ...process.env, TZ: 'Pacific/Auckland', SOURCE_DATE_EPOCH: madeAt(file) },
    });
    const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
    expect(digest(join(out, NAME))).toBe(digest(file));
  });
});

describe('installed, used, upgraded, removed and purged', () => {
  let machine: Chroot;
  let before: string[];
  const inside = (path: string) => join(machine.folder, path);
  const succeed = async (script: string) => {
    const result = await machine.shell(script);
    expect(result).toMatchObject({ status: 0 });
    return result;
  };
  beforeAll(() => {
    machine = openMachine();
    before = pathsIn(machine);
  });

  test('a first installation makes a user, starts nothing, and keeps what may be secret to that user', async () => {
    await succeed('apt-get install -y /root/old.deb');
    expect(await succeed('command -v node || recordupload --version')).toMatchObject({ stdout: `${version}\n` });
    expect((await succeed(SAY_VERSION)).stdout).toBe(`${OLDER}\n`);
    const rights = `stat -c '%a %U %G %n' /etc/recordupload /${CONFIG} /${STATE}`;
    expect((await succeed(rights)).stdout.split('\n').slice(0, 3)).toEqual([
      '750 root recordupload /etc/recordupload',
      `600 recordupload recordupload /${CONFIG}`,
      `700 recordupload recordupload /${STATE}`,
    ]);
    expect(existsSync(inside('etc/systemd/system/multi-user.target.wants/recordupload.service'))).toBe(false);
    expect((await succeed('getent passwd recordupload')).stdout).toMatch(/:\/var\/lib\/recordupload:.*nologin\n$/);
  });

  test.each([
    ['usr/share/man/man1/recordupload.1.gz', 'zcat', '.SH SYNOPSIS'],
    ['usr/share/bash-completion/completions/recordupload', 'bash -n', ''],
    ['usr/share/zsh/vendor-completions/_recordupload', 'cat', '#compdef recordupload'],
    ['usr/share/fish/vendor_completions.d/recordupload.fish', 'cat', 'complete'],
    ['usr/share/doc/recordupload/copyright', 'cat', 'Copyright Node.js contributors'],
    ['usr/share/doc/recordupload/changelog.gz', 'zcat', `recordupload (${OLDER})`],
  ])('it brings /%s', async (path, program, text) => {
    expect((await succeed(`${program} /${path}`)).stdout).toContain(text);
  });

  test('its service runs with what the unit says, uploads a recording and tells the server', async () => {
    await configure(machine, { token: sandbox.receiver.token });
    const unit = readFileSync(inside('usr/lib/systemd/system/recordupload.service'), 'utf8');
    const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
    const words = setting('ExecStart').split(' ');
    expect([setting('User'), setting('StateDirectory'), words[0]]).toEqual([
      'recordupload',
      'recordupload',
      '/usr/bin/recordupload',
    ]);
    const worker = spawn('chroot', [`--userspec=${setting('User')}:${setting('User')}`, machine.folder, ...words], {
      env: { PATH: '/usr/sbin:/usr/bin:/bin', RECORDUPLOAD_STATE_DIR: `/${STATE}`, ...QUIET },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    worker.stderr.on('data', text => {
      said += text;
    });
    const ended = once(worker, 'close');
    try {
      await until('the webhook', () => worker.exitCode !== null || webhooksOf(sandbox, '3').length > 0);
    } finally {
      worker.kill('SIGTERM');
    }
    const [status] = await ended;
    expect({ status, webhooks: webhooksOf(sandbox, '3'), said }).toMatchObject({
      status: 0,
      webhooks: [{ status: 201, body: { recording_id: 3, upload_source: 'watch' } }],
    });
  });

  test('its unit is one that systemd takes, and as closed as ours', () => {
    const unit = inside('usr/lib/systemd/system/recordupload.service');
    const verified = spawnSync('systemd-analyze', [`--root=${machine.folder}`, 'verify', 'recordupload.service'], {
      encoding: 'utf8',
    });
    // An empty Debian has no systemd, whose other units and programs it misses.
    expect(verified.stderr).not.toMatch(/unknown|ignor|invalid|parse/i);
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
      encoding: 'utf8',
    });
    const rating = /Overall exposure level for recordupload.service: (\d+\.\d)/.exec(stdout);
    expect(Number(rating?.[1])).toBeLessThan(3);
  });

  test('an upgrade keeps what was configured, and the state', async () => {
    appendFileSync(inside(CONFIG), '# changed here\n');
    await succeed('apt-get install -y /root/new.deb');
    expect((await succeed(SAY_VERSION)).stdout).toBe(`${version}\n`);
    expect(readFileSync(inside(CONFIG), 'utf8')).toContain('# changed here\n');
    expect(statSync(inside(CONFIG)).mode & 0o777).toBe(0o600);
    const { stdout } = await succeed(`${AS_SERVICE} status 3 --json ${WITH_CONFIG}`);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, result: { recordingId: '3' } });
  });

  test('a purge keeps a state with a webhook that is not delivered, and says so', async () => {
    await configure(machine, { token: 'fake-wrong-token' });
    mkdirSync(inside('var/recordings/4'));
    copyFileSync(inside('var/recordings/3/video.mkv'), inside('var/recordings/4/video.mkv'));
    expect((await machine.shell(`${AS_SERVICE} upload /var/recordings/4 ${WITH_CONFIG}`)).status).toBe(0);
    const { stderr } = await succeed('apt-get purge -y recordupload');
    expect(stderr).toContain(`recordupload: /${STATE} is kept: uploads or webhooks in it are not finished`);
    expect(existsSync(inside(`${STATE}/state.db`))).toBe(true);
    // Secrets do not outlive the package.
    expect(existsSync(inside('etc/recordupload'))).toBe(false);
  });

  test('installed again, it delivers what was kept', async () => {
    await succeed('apt-get install -y /root/new.deb');
    await configure(machine, { token: sandbox.receiver.token });
    await succeed(`${AS_SERVICE} retry --now --held ${WITH_CONFIG}`);
    expect(webhooksOf(sandbox, '4').at(-1)).toMatchObject({ status: 201 });
  });

  test('a removal keeps configuration and state', async () => {
    await succeed('apt-get remove -y recordupload');
    expect(
      [CONFIG, 'etc/recordupload/webhook-token', `${STATE}/state.db`].filter(path => !existsSync(inside(path))),
    ).toEqual([]);
    expect(existsSync(inside('usr/bin/recordupload'))).toBe(false);
  });

  test('a purge of a finished state leaves nothing but the recordings', async () => {
    await succeed('apt-get purge -y recordupload');
    const added = pathsIn(machine).filter(path => !before.includes(path));
    expect(added).toEqual(['var/recordings/4 d', 'var/recordings/4/video.mkv f']);
    expect((await machine.shell('getent passwd recordupload')).status).toBe(2);
  });
});

test('a purge leaves recordings and other files that somebody keeps in the state folder', async () => {
  const machine = openMachine();
  await machine.shell('apt-get install -y /root/new.deb');
  const kept = join(machine.folder, STATE, 'recordings/5/video.mkv');
  mkdirSync(join(kept, '..'), { recursive: true });
  writeFileSync(kept, 'a recording');
  writeFileSync(join(machine.folder, 'etc/recordupload/notes.txt'), 'of the administrator');
  expect(await machine.shell('apt-get purge -y recordupload')).toMatchObject({ status: 0 });
  expect(readFileSync(kept, 'utf8')).toBe('a recording');
  expect(existsSync(join(machine.folder, 'etc/recordupload/notes.txt'))).toBe(true);
});
