import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { REMOVAL_FOLDER } from '../../src/core/recording/opened-folder.ts';
import { openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import {
  ALL,
  contentOf,
  expectKept,
  expectRemoved,
  hooked,
  logged,
  namesIn,
  type Uploaded,
  uploaded,
} from './support.ts';

/*
 * Local files are removed while others work with them, or while the removal is interrupted: nothing that the bucket does
 * not have is ever lost. The program runs with a hook in the middle of its file operations.
 */

const sandbox = await openSandbox();
afterEach(() => sandbox.faults.clear());

/** Runs `code` in the program before the n-th call of a function of `node:fs` whose first argument ends so. */
const atCall = (name: string, ending: string, code: string, nth = 1) =>
  hooked(`
    const real = fs.${name};
    let calls = 0;
    fs.${name} = (...args) => {
      if (String(args[0]).endsWith(${JSON.stringify(ending)}) && ++calls === ${nth}) { ${code} }
      return real(...args);
    };`);
const quoted = (text: string) => JSON.stringify(text);
const KILL = `process.kill(process.pid, 'SIGKILL'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;

describe('somebody else', () => {
  test('has a file open for writing; once it is closed, all are removed', async () => {
    const one = await uploaded(sandbox);
    const fd = openSync(join(one.dir, 'video.mkv'), 'r+');
    try {
      await expectKept(one);
      const { stdout } = await one.desk.run(['cleanup', 'local', '--dry-run']);
      expect(stdout).toContain(`${one.dir}/video.mkv is open for writing in another program`);
    } finally {
      closeSync(fd);
    }
    await expectRemoved(one);
  });

  test('only reads a file', async () => {
    const one = await uploaded(sandbox);
    const fd = openSync(join(one.dir, 'video.mkv'), 'r');
    await expectRemoved(one);
    closeSync(fd);
  });

  test('has given a file another name (a hard link): said once', async () => {
    const one = await uploaded(sandbox);
    const other = join(one.desk.home, 'copy.mkv');
    linkSync(join(one.dir, 'video.mkv'), other);
    expect((await expectKept(one)).stderr).toContain('has another name as well (a hard link)');
    await expectKept(one);
    expect(logged(one, 'local files kept')).toBe(1);
    rmSync(other);
    await expectRemoved(one);
  });

  test.each(['video.mkv', 'transcript.txt'])('replaces %s between the last look and the removal', async name => {
    const one = await uploaded(sandbox);
    const file = join(one.dir, name);
    const other = join(one.dir, '.new');
    writeFileSync(other, 'an edited one');
    const env = atCall('renameSync', name, `require('node:fs').copyFileSync; real(${quoted(other)}, ${quoted(file)});`);
    const { code, stderr } = await one.desk.run(['retry'], { env });
    expect({ code, text: readFileSync(file, 'utf8') }).toEqual({ code: 0, text: 'an edited one' });
    expect(stderr).toContain(`${file} was replaced by another file`);
    expect(readdirSync(one.dir)).not.toContain(REMOVAL_FOLDER);
    for (const other of ALL.filter(other => other !== name && existsSync(join(one.dir, other))))
      expect(await sandbox.s3.read(`${one.id}/${other}`)).toEqual(readFileSync(join(one.dir, other)));
  });

  test('writes to a file between the last look and the removal, without changing its size or time', async () => {
    const one = await uploaded(sandbox);
    const file = join(one.dir, 'video.mkv');
    const code = `
      const { atime, mtime } = fs.statSync(${quoted(file)});
      const fd = fs.openSync(${quoted(file)}, 'r+');
      fs.writeSync(fd, 'other', 100);
      fs.closeSync(fd);
      fs.utimesSync(${quoted(file)}, atime, mtime);`;
    const { stderr } = await one.desk.run(['retry'], { env: atCall('mkdirSync', REMOVAL_FOLDER, code) });
    expect(stderr).toContain(`${file} was replaced by another file`);
    expect(namesIn(one.dir)).toEqual(ALL);
    expect(readFileSync(file, 'latin1')).toContain('other');
  });

  test('writes to a file that is moved aside already', async () => {
    const one = await uploaded(sandbox);
    const file = join(one.dir, 'video.mkv');
    const fd = openSync(file, 'r');
    const env = hooked(`
      const { renameSync } = fs;
      fs.renameSync = (from, to) => {
        renameSync(from, to);
        if (String(to).endsWith('video.mkv')) fs.appendFileSync('/proc/${process.pid}/fd/${fd}', 'more');
      };`);
    const { stderr } = await one.desk.run(['retry'], { env });
    closeSync(fd);
    expect(stderr).toContain(`${file} was replaced by another file`);
    expect(readFileSync(file, 'latin1').endsWith('more')).toBe(true);
    expect(namesIn(one.dir)).toEqual(ALL);
  });

  test('puts a new file at the path of one that is moved aside: it stays', async () => {
    const one = await uploaded(sandbox);
    const file = join(one.dir, 'video.mkv');
    const env = atCall('unlinkSync', 'video.mkv', `fs.writeFileSync(${quoted(file)}, 'the next one');`);
    await one.desk.run(['retry'], { env });
    expect(readFileSync(file, 'utf8')).toBe('the next one');
  });

  test('replaces the folder by a link to another one with the same files', async () => {
    const one = await uploaded(sandbox);
    const twin = `${one.dir}-twin`;
    expect(spawnSync('cp', ['-a', one.dir, twin]).status).toBe(0);
    const code = `real2(${quoted(one.dir)}, ${quoted(`${one.dir}-moved`)}); fs.symlinkSync(${quoted(twin)}, ${quoted(one.dir)});`;
    const env = atCall('mkdirSync', REMOVAL_FOLDER, `const real2 = fs.renameSync; ${code}`);
    await one.desk.run(['retry'], { env });
    expect({ twin: namesIn(twin), own: namesIn(`${one.dir}-moved`) }).toEqual({ twin: ALL, own: ALL });
  });

  test('adds a file while the last one is removed: it is kept, with the folder', async () => {
    const one = await uploaded(sandbox);
    const added = join(one.dir, 'notes.txt');
    const { code } = await one.desk.run(['retry'], {
      env: atCall('unlinkSync', 'transcript.txt', `fs.writeFileSync(${quoted(added)}, 'mine');`),
    });
    expect({ code, names: readdirSync(one.dir) }).toEqual({ code: 0, names: ['notes.txt'] });
  });

  test('renames the folder before: nothing is removed, and nothing is said to be', async () => {
    const one = await uploaded(sandbox);
    renameSync(one.dir, `${one.dir}-renamed`);
    expect((await one.desk.run(['retry'])).code).toBe(0);
    expect(namesIn(`${one.dir}-renamed`)).toEqual(ALL);
    expect((await one.desk.run(['status', one.id])).stdout).not.toContain('removed');
    renameSync(`${one.dir}-renamed`, one.dir);
    await expectRemoved(one);
  });

  test('replaces the object in the bucket while the files are hashed', async () => {
    const one = await uploaded(sandbox);
    // The first look sees the object of the upload, the second another one.
    const action = { answer: { status: 404 } };
    const fault = sandbox.faults.add({
      server: 's3',
      operation: 'HeadObject',
      key: `${one.id}/video.mkv`,
      from: 2,
      action,
    });
    await expectKept(one);
    expect(fault.hits()).toBe(1);
    fault.remove();
    await expectRemoved(one);
  });

  test('begins an upload of the folder under another id while its files are removed', async () => {
    const one = await uploaded(sandbox);
    const env = atCall(
      'renameSync',
      'video.mkv',
      `
      process.stderr.write('removing now\\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);`,
    );
    const removing = one.desk.start(['retry'], { env });
    await removing.prints('removing now');
    const other = freshId();
    expect((await one.desk.run(['upload', one.dir, '--id', other, '--finished'])).code).toBe(6);
    expect((await removing.result).code).toBe(0);
    expect(existsSync(one.dir)).toBe(false);
  });
});

describe('the recording', () => {
  test('was forgotten: nothing is removed', async () => {
    const one = await uploaded(sandbox);
    expect((await one.desk.run(['forget', one.id])).code).toBe(0);
    await expectKept(one);
    await one.desk.run(['cleanup', 'local', '--older-than', '0s']);
    expect(namesIn(one.dir)).toEqual(ALL);
  });

  test('is in a folder that this user may not change: said once, nothing is removed', async () => {
    const user = process.getuid?.() === 0 ? { user: 65_534 } : {};
    const desk = openDesk(sandbox, { RECORDUPLOAD_DELETE_AFTER: '0s' });
    chmodSync(desk.home, 0o777);
    const id = freshId();
    const dir = makeRecording({ name: id });
    chmodSync(join(dir, '..'), 0o755);
    expect((await desk.run(['upload', dir, '--quiet'], user)).code).toBe(0);
    chmodSync(dir, 0o555);
    const first = await desk.run(['retry'], user);
    const second = await desk.run(['retry'], user);
    chmodSync(dir, 0o755);
    expect([first.code, second.code, ...namesIn(dir)]).toEqual([0, 0, ...ALL]);
    expect(first.stderr).toContain(`${dir} cannot be removed: this user may not change its folder`);
    expect(logged({ desk, id, dir }, 'local files kept')).toBe(1);
  });

  test('has a folder in its folder, which stays', async () => {
    const one = await uploaded(sandbox);
    mkdirSync(join(one.dir, 'raw'));
    writeFileSync(join(one.dir, 'raw', 'video.mkv'), 'raw');
    expect((await one.desk.run(['retry'])).code).toBe(0);
    expect(readdirSync(one.dir)).toEqual(['raw']);
    expect(readFileSync(join(one.dir, 'raw', 'video.mkv'), 'utf8')).toBe('raw');
  });

  test('has another disk mounted in place of its folder, with the same files', async () => {
    const one = await uploaded(sandbox);
    const env = hooked(`
      const real = fs.fstatSync;
      fs.fstatSync = (fd, options) => {
        const stats = real(fd, options);
        if (options?.bigint && fs.readlinkSync('/proc/self/fd/' + fd) === ${quoted(one.dir)}) stats.dev += 1n;
        return stats;
      };`);
    const { code, stderr } = await one.desk.run(['retry'], { env });
    expect({ code, names: namesIn(one.dir) }).toEqual({ code: 0, names: ALL });
    expect(stderr).toContain(`${one.dir} is a mount point: another disk is in its place`);
    await expectRemoved(one);
  });

  test('is on a disk that is read-only: said once, nothing is removed', async () => {
    const one = await uploaded(sandbox);
    const env = hooked(`
      for (const name of ['accessSync', 'renameSync', 'unlinkSync', 'rmdirSync', 'mkdirSync']) {
        const real = fs[name];
        fs[name] = (...args) => {
          if (!String(args[0]).startsWith('/proc/self/fd/')) return real(...args);
          throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS', errno: -30, syscall: name });
        };
      }`);
    const first = await one.desk.run(['retry'], { env });
    const second = await one.desk.run(['retry'], { env });
    expect([first.code, second.code, ...namesIn(one.dir)]).toEqual([0, 0, ...ALL]);
    expect(first.stderr).toContain('cannot be removed: its disk is read-only');
    expect(second.stderr).toBe('');
    await expectRemoved(one);
  });

  test('is gone from the disk, its webhook can be sent again and the bucket verified', async () => {
    const one = await uploaded(sandbox);
    await expectRemoved(one);
    expect((await one.desk.run(['webhook', 'send', one.id, '--title', 'New'])).code).toBe(0);
    expect((await one.desk.run(['verify', one.id])).code).toBe(0);
    expect((await one.desk.run(['retry'])).stdout).toContain('nothing to do');
    const { code, stderr } = await one.desk.run(['upload', one.dir]);
    expect(code).toBe(3);
    expect(stderr).toContain('verified, and removed here (deleteAfter)');
    expect((await one.desk.run(['status'])).code).toBe(0);
  });

  test('comes back into the folder with other content: it is a new upload, and kept until that is done', async () => {
    const one = await uploaded(sandbox);
    await expectRemoved(one);
    makeRecording({ name: one.id, parent: join(one.dir, '..'), videoBytes: 50_000 });
    await expectKept(one);
    expect((await one.desk.run(['upload', one.dir, '--finished'])).code).toBe(0);
    await expectRemoved(one);
    expect((await sandbox.s3.read(`${one.id}/video.mkv`))?.length).toBe(50_000);
  });

  test('is removed while SIGTERM arrives', async () => {
    const one = await uploaded(sandbox);
    const content = contentOf(one.dir);
    const env = atCall('unlinkSync', 'video.mkv', `process.kill(process.pid, 'SIGTERM');`);
    expect((await one.desk.run(['retry'], { env })).code).toBe(143);
    for (const [name, bytes] of Object.entries(content))
      expect((await sandbox.s3.read(`${one.id}/${name}`))?.toString('base64')).toBe(bytes);
    expect((await one.desk.run(['retry'])).code).toBe(0);
    expect(existsSync(one.dir)).toBe(false);
    expect(logged(one, 'local file removed')).toBe(ALL.length);
  });
});

describe('a dry run', () => {
  test('changes nothing, on the disk or in the state, and logs nothing', async () => {
    const one = await uploaded(sandbox);
    const times = () => ALL.map(name => statSync(join(one.dir, name), { bigint: true }).ctimeNs);
    const [was, lines] = [times(), one.desk.log()];
    const { stdout } = await one.desk.run(['cleanup', 'local', '-n']);
    expect(stdout).toContain('would remove the local files of 1 recording');
    expect(times()).toEqual(was);
    expect(one.desk.log().filter(line => line.startsWith('local'))).toEqual(
      lines.filter(line => line.startsWith('local')),
    );
    expect((await one.desk.run(['status', one.id])).stdout).not.toContain('local files');
    const all = await one.desk.run(['cleanup']);
    expect(all.stdout).toContain('would compare the local files of 1 recording');
    expect(namesIn(one.dir)).toEqual(ALL);
  });
});

describe('two at once', () => {
  test('retry, cleanup and upload together: each file is removed once, and nothing else happens', async () => {
    const one = await uploaded(sandbox);
    const runs = await Promise.all(
      [['retry'], ['cleanup', 'local'], ['retry'], ['cleanup', 'local']].map(args => one.desk.run(args)),
    );
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(existsSync(one.dir)).toBe(false);
    expect(logged(one, 'local file removed')).toBe(ALL.length);
    expect(logged(one, 'local files removed')).toBe(1);
    expect(logged(one, 'local files kept')).toBe(0);
  });
});

describe('kill -9', () => {
  /** After it, every file is in the folder or in the bucket, and the next run finishes. */
  async function expectFinished(one: Uploaded, content: Record<string, string>) {
    for (const [name, bytes] of Object.entries(content)) {
      const object = await sandbox.s3.read(`${one.id}/${name}`);
      expect(object?.toString('base64')).toBe(bytes);
    }
    expect((await one.desk.run(['retry'])).code).toBe(0);
    expect(existsSync(one.dir)).toBe(false);
    expect((await one.desk.run(['status', one.id])).stdout).toContain('local files removed');
    // One that was deleted and not logged yet is logged by the next run.
    expect(logged(one, 'local file removed')).toBe(ALL.length);
    expect(logged(one, 'local files removed')).toBe(1);
  }

  const moments: [string, string, string, number][] = [
    ['before the folder of removals is made', 'mkdirSync', REMOVAL_FOLDER, 1],
    ['before the first file is moved aside', 'renameSync', 'video.mkv', 1],
    ['before the first file is deleted', 'unlinkSync', 'video.mkv', 1],
    ['before the second file is moved aside', 'renameSync', 'thumbnail.jpg', 1],
    ['before the second file is deleted', 'unlinkSync', 'thumbnail.jpg', 1],
    ['before the last file is deleted', 'unlinkSync', 'transcript.txt', 1],
    ['before the folder of removals is deleted', 'rmdirSync', REMOVAL_FOLDER, 1],
  ];
  test.each(moments)('%s', async (_, name, ending, nth) => {
    const one = await uploaded(sandbox);
    const content = contentOf(one.dir);
    const killed = await one.desk.run(['retry'], { env: atCall(name, ending, KILL, nth) });
    expect(killed.code).toBe(null);
    await expectFinished(one, content);
  });

  test('before the folder itself is deleted: it is empty, and the next run removes it', async () => {
    const one = await uploaded(sandbox);
    const killed = await one.desk.run(['retry'], { env: atCall('rmdirSync', one.id, KILL) });
    expect(killed.code).toBe(null);
    expect(existsSync(one.dir) ? readdirSync(one.dir) : []).toEqual([]);
    await one.desk.run(['retry']);
    expect(logged(one, 'local files removed')).toBe(1);
  });

  test.each([
    ['the object is gone meanwhile', {}],
    ['deleteAfter is never meanwhile', { RECORDUPLOAD_DELETE_AFTER: 'never' }],
    ['deleteAfter is longer meanwhile', { RECORDUPLOAD_DELETE_AFTER: '7d' }],
  ])('while a file is moved aside, and %s: it is back in its place', async (_, env) => {
    const one = await uploaded(sandbox);
    const content = contentOf(one.dir);
    await one.desk.run(['retry'], { env: atCall('unlinkSync', 'video.mkv', KILL) });
    expect(namesIn(one.dir)).not.toContain('video.mkv');
    const action = { answer: { status: 404 } };
    sandbox.faults.add({ server: 's3', operation: 'HeadObject', times: Number.POSITIVE_INFINITY, action });
    expect((await one.desk.run(['retry'], { env })).code).toBe(0);
    expect(contentOf(one.dir)).toEqual(content);
    expect(readdirSync(one.dir)).not.toContain(REMOVAL_FOLDER);
  });

  test('while a file is moved aside, then upload of the folder: it has its file again', async () => {
    const one = await uploaded(sandbox);
    const content = contentOf(one.dir);
    await one.desk.run(['retry'], { env: atCall('unlinkSync', 'video.mkv', KILL) });
    const { code } = await one.desk.run(['upload', one.dir, '--finished']);
    expect({ code, content: contentOf(one.dir) }).toEqual({ code: 0, content });
  });

  test('while a file is moved back, so that it has two names', async () => {
    const one = await uploaded(sandbox);
    await one.desk.run(['retry'], { env: atCall('unlinkSync', 'video.mkv', KILL) });
    linkSync(join(one.dir, REMOVAL_FOLDER, 'video.mkv'), join(one.dir, 'video.mkv'));
    await expectRemoved(one);
  });

  test('while a file is moved aside, and another one has its name now: both are kept', async () => {
    const one = await uploaded(sandbox);
    await one.desk.run(['retry'], { env: atCall('unlinkSync', 'video.mkv', KILL) });
    writeFileSync(join(one.dir, 'video.mkv'), 'the next one');
    const { stderr } = await one.desk.run(['retry']);
    expect(stderr).toContain('was left by an interrupted removal, and its name is taken in the folder');
    expect(readFileSync(join(one.dir, 'video.mkv'), 'utf8')).toBe('the next one');
    expect(existsSync(join(one.dir, REMOVAL_FOLDER, 'video.mkv'))).toBe(true);
  });
});

test('a file that is written to through an old descriptor after the upload is not the one that was uploaded', async () => {
  const one = await uploaded(sandbox);
  const fd = openSync(join(one.dir, 'transcript.txt'), 'a');
  writeSync(fd, 'Grace: one more.\n');
  closeSync(fd);
  await expectKept(one);
});
