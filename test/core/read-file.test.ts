import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readSmallFile, readSmallFileSync, Unreadable } from '../../src/core/read-file.ts';
import { tempDir } from '../support/temp-dir.ts';

describe.each([
  ['at once', async (path: string) => readSmallFileSync(path)],
  ['in the background', readSmallFile],
])('a small file, read %s', (_how, read) => {
  const file = join(tempDir(), 'file');

  test('comes with the owner and permissions of what was read, also over a link', async () => {
    writeFileSync(file, 'text', { mode: 0o640 });
    const link = join(tempDir(), 'link');
    symlinkSync(file, link);
    const { bytes, stats } = await read(link);
    expect({ text: String(bytes), mode: stats.mode & 0o777, size: stats.size }).toEqual({
      text: 'text',
      mode: 0o640,
      size: 4,
    });
  });

  test('may have 1 MiB, and not a byte more', async () => {
    writeFileSync(file, Buffer.alloc(1024 * 1024, 'a'));
    expect((await read(file)).bytes).toHaveLength(1024 * 1024);
    writeFileSync(file, Buffer.alloc(1024 * 1024 + 1));
    await expect(read(file)).rejects.toThrow(/file is larger than 1 MiB$/);
  });

  test('that says it has no bytes is read all the same', async () => {
    expect(String((await read('/proc/version')).bytes)).toContain('Linux');
  });

  test('is no pipe, device or folder', async () => {
    const dir = tempDir();
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    mkdirSync(join(dir, 'folder'));
    await expect(read(join(dir, 'pipe'))).rejects.toThrow(
      new Unreadable(join(dir, 'pipe'), {} as never, 'is a named pipe, not a file'),
    );
    await expect(read('/dev/zero')).rejects.toThrow(/is a device, not a file$/);
    await expect(read(join(dir, 'folder'))).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(read(join(dir, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('where the limit on open files is met, a read waits until another one has ended', () => {
  const source = new URL('../../src/core/read-file.ts', import.meta.url).href;
  const script = `
    import { closeSync, openSync } from 'node:fs';
    import { readSmallFile } from '${source}';
    let last;
    try { for (;;) last = openSync('/dev/null', 'r'); } catch {}
    closeSync(last);
    const read = await Promise.all(Array.from({ length: 20 }, () => readSmallFile('/etc/passwd')));
    process.stdout.write(String(read.filter(({ bytes }) => bytes.length > 0).length));`;
  const limited = ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, script];
  expect(execFileSync('sh', limited, { encoding: 'utf8' })).toBe('20');
});
