import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { OPEN_FILES_HINT } from '../../src/core/errors.ts';
import { programCommand } from '../support/built-program.ts';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeOld } from '../support/make-old.ts';
import { makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

test.each(['status', 'retry', 'doctor', 'upload .'])(
  '%s in a working folder that was removed: one line that says so, exit 2',
  command => {
    const gone = join(tempDir(), 'gone');
    const script = `mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"`;
    const program = [...programCommand, ...command.split(' ')];
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script, gone, ...program], {
      env: { PATH: process.env.PATH, HOME: tempDir() },
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: 'error: the working folder no longer exists (change to another folder, then run the command again)\n',
    });
  },
);

const sandbox = await openSandbox();
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a home in a file system that takes no folders', () => {
  const state = '/proc/self/.local/state/recordupload';
  const why = `the state folder ${state} cannot be created: its file system takes no new folders`;
  const hint = 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder that is writable';

  test('retry ends with one line, exit 4', async () => {
    const { code, stderr } = await openDesk(sandbox, { HOME: '/proc/self' }).run(['retry']);
    expect({ code, stderr }).toEqual({ code: 4, stderr: `error: ${why} (${hint})\n` });
  });

  test('upload continues without a state, and says so', async () => {
    const { code, stderr } = await openDesk(sandbox, { HOME: '/proc/self' }).run(['upload', makeRecording()]);
    expect(code).toBe(0);
    expect(stderr).toContain(`warning: ${why} (${hint}); continuing without it`);
    expect(stderr).toContain(`warning: the log ${state}/logs/app.log cannot be written: its folder cannot be created`);
  });
});

onLinux('the limit on open files', () => {
  test('a state that cannot be opened for it is not blamed on the disk: exit 4', async () => {
    const { home, run } = openDesk(sandbox);
    const { code, stderr } = await run(['retry'], { openFiles: 23 });
    const dir = join(home, '.local/state/recordupload');
    const line = `error: too many open files: the state in ${dir} cannot be opened (${OPEN_FILES_HINT})\n`;
    expect({ code, stderr }).toEqual({ code: 4, stderr: line });
  });

  test.each([22, 23, 24, 25, 26])('upload with %i: one line that names it, exit 4', async openFiles => {
    const { code, stderr } = await openDesk(sandbox).run(['upload', makeRecording()], { openFiles });
    expect(stderr).toMatch(
      /^error: [^\n]*too many open files[^\n]* \(raise the limit on open files \(ulimit -n 256\), [^\n]*\n$/,
    );
    expect(code).toBe(4);
  });

  test.each([30, 40])(
    'with %i, several recordings are uploaded over fewer connections: nothing fails',
    async openFiles => {
      const root = tempDir();
      for (const videoBytes of [undefined, 40_000_000, undefined]) makeRecording({ parent: root, videoBytes });
      const { code, stderr } = await openDesk(sandbox).run(['upload', '--recursive', root], { openFiles });
      expect(stderr).not.toContain('too many open files');
      expect(code).toBe(0);
    },
  );

  test('with 256, a batch of recordings with many files has no more of them open than that', async () => {
    const root = tempDir();
    const texts = Object.fromEntries([1, 2, 3, 4, 5].map(number => [`note-${number}.txt`, `${number}`]));
    for (let count = 0; count < 40; count++) makeRecording({ parent: root, files: texts });
    const desk = openDesk(sandbox, { RECORDUPLOAD_EXTRA_FILES: '*.txt' });
    const { code, stderr } = await desk.run(['upload', '--recursive', root], { openFiles: 256 });
    expect(stderr).not.toContain('too many open files');
    expect(code).toBe(0);
  });

  test('with 22, upload --sandbox ends with one line, exit 2', async () => {
    const { code, stderr } = await openDesk(sandbox).run(['upload', '--sandbox', makeRecording()], { openFiles: 22 });
    const line = `error: the sandbox cannot start: too many open files (${OPEN_FILES_HINT})\n`;
    expect({ code, stderr }).toEqual({ code: 2, stderr: line });
  });

  test('with 30, retry sends what waits', async () => {
    const desk = openDesk(sandbox);
    sandbox.faults.add({ server: 'webhook', times: 3, action: { answer: { status: 503 } } });
    const dirs = [1, 2, 3].map(() => makeRecording());
    await desk.run(['upload', ...dirs]);
    const { code, stderr } = await desk.run(['retry', '--now'], { openFiles: 30 });
    expect(stderr).not.toContain('too many open files');
    expect({ code, sent: stderr.match(/Webhook sent successfully/g)?.length }).toEqual({ code: 0, sent: 3 });
  });
});

onLinux('the limit on the size of a file (ulimit -f)', () => {
  test.each([8, 64])('a state that cannot grow beyond %i KiB is not blamed on the disk: exit 4', async kib => {
    const desk = openDesk(sandbox);
    const { code, stderr } = await desk.run(['retry'], { fileKib: kib });
    const why = `the state in ${desk.stateDir} has reached the limit on the size of a file`;
    const hint = 'raise the limit (ulimit -f unlimited), then run the command again';
    expect({ code, stderr }).toEqual({ code: 4, stderr: `error: ${why} (${hint})\n` });
  });
});

onLinux('a log that cannot be written', () => {
  const warned = (file: string, why: string) =>
    `warning: the log ${file} cannot be written: ${why}; the work continues without it\n`;

  test('for the limit on the size of a file', async () => {
    const { stateDir, run } = openDesk(sandbox);
    const { code, stderr } = await run(['upload', makeRecording()], { fileKib: 1 });
    const why = 'it has reached the limit on the size of a file (ulimit -f)';
    expect(stderr).toContain(warned(join(stateDir, 'logs/app.log'), why));
    expect(code).toBe(0);
  });

  test.each([
    ['its name is too long', (home: string) => join(home, 'x'.repeat(300))],
    ['a symbolic link on its way leads in a circle', (home: string) => join(home, 'loop/app.log')],
  ])('because %s', async (why, fileIn) => {
    const { home, run } = openDesk(sandbox);
    symlinkSync('loop', join(home, 'loop'));
    const file = fileIn(home);
    const { code, stderr } = await run(['upload', makeRecording()], { env: { RECORDUPLOAD_LOG_FILE: file } });
    expect(stderr).toContain(warned(file, why));
    expect(code).toBe(0);
  });
});

onLinux('the limit on an object in S3', () => {
  // Of the usual file systems, only this one has files of that size, with nothing in them.
  let root: string;
  beforeAll(() => {
    root = mkdtempSync('/dev/shm/recordupload-test-');
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test('a file that is larger is refused before anything is sent or remembered: exit 3', async () => {
    const dir = makeRecording({ parent: root });
    truncateSync(join(dir, 'video.mkv'), 50 * 1024 ** 4);
    makeOld(dir);
    const desk = openDesk(sandbox);
    const { code, stderr } = await desk.run(['upload', dir]);
    const sizes = '55.0 TB, of 53.7 TB at most';
    const why = `${dir}/video.mkv is larger than any object in S3 (${sizes}) (split it into several recordings)`;
    expect({ code, stderr }).toEqual({ code: 3, stderr: `error: ${why}\n` });
    expect((await desk.run(['retry'])).stderr).not.toContain('video.mkv');
  });

  test('one over 5 TiB, which many stores refuse, is planned with a warning', async () => {
    const dir = makeRecording({ parent: root });
    truncateSync(join(dir, 'video.mkv'), 6 * 1024 ** 4);
    const { code, stderr } = await openDesk(sandbox).run(['upload', '--dry-run', '--duration', '9', dir]);
    expect(stderr).toContain(`${dir}/video.mkv is larger than 5.5 TB, which many stores refuse`);
    expect(code).toBe(0);
  });
});

onLinux('the limit on addresses (ulimit -v)', () => {
  test('a large file is hashed without a thread, for which V8 would find no addresses', async () => {
    const { code, stderr } = await openDesk(sandbox).run(['upload', makeRecording({ videoBytes: 40_000_000 })], {
      addressKib: 2_000_000,
    });
    expect(stderr).toContain('Webhook sent successfully');
    expect(code).toBe(0);
  });
});
