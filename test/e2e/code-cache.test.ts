import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { runCli } from '../support/run-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

/** A command that does little, and that the build keeps no cache of. */
const COMMAND = 'completion';
const run = (home: string, env: NodeJS.ProcessEnv = {}, args = [COMMAND, 'bash']) =>
  runCli(args, { env: { HOME: home, ...env }, cwd: home });

const foldersIn = (home: string) => join(home, '.cache/recordupload');
const cacheIn = (home: string) => {
  const [name, ...others] = readdirSync(foldersIn(home));
  expect({ name, others }).toEqual({ name: expect.stringMatching(new RegExp(`^${COMMAND}-v.*\\.cache$`)), others: [] });
  return join(foldersIn(home), String(name));
};

let usual: string;
let template: string;
beforeAll(async () => {
  template = tempDir();
  usual = (await run(template)).stdout;
  expect(usual).toContain('recordupload');
});
/** A home in which the command has run once. */
const usedHome = () => {
  const home = tempDir();
  cpSync(foldersIn(template), foldersIn(home), { recursive: true, preserveTimestamps: true });
  return { home, cache: cacheIn(home) };
};

describe('the code cache in the user’s folder', () => {
  test('is made once and then used as it is', async () => {
    const { home, cache } = usedHome();
    const before = statSync(cache, { bigint: true });
    expect(await run(home)).toEqual({ code: 0, stdout: usual, stderr: '' });
    expect(statSync(cache, { bigint: true })).toMatchObject({ ino: before.ino, mtimeNs: before.mtimeNs });
  });

  const whole = () => readFileSync(cacheIn(template));
  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['zeros from a quarter of it on', bytes => bytes.fill(0, bytes.length >> 2)],
    ['a page of zeros', bytes => bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 4096)],
    ['half of it', bytes => bytes.subarray(0, bytes.length >> 1)],
    ['its first line alone', bytes => bytes.subarray(0, bytes.indexOf('\n') + 1)],
    ['nothing', () => Buffer.alloc(0)],
  ])('%s in place of it is not run, and is mended', async (_, spoil) => {
    const { home, cache } = usedHome();
    writeFileSync(cache, spoil(whole()));
    expect(await run(home)).toEqual({ code: 0, stdout: usual, stderr: '' });
    expect(statSync(cacheIn(home)).size).toBeGreaterThan(whole().length / 2);
    expect(await run(home)).toEqual({ code: 0, stdout: usual, stderr: '' });
  });

  test('one that others may write, or in a folder that others may write to, is not run', async () => {
    for (const open of [cacheIn, foldersIn]) {
      const { home, cache } = usedHome();
      chmodSync(open(home), 0o777);
      const before = statSync(cache).ino;
      expect((await run(home)).code).toBe(0);
      expect(statSync(cache).ino).not.toBe(before);
    }
  });

  (process.getuid?.() === 0 ? test : test.skip)('another user’s is neither run nor touched', async () => {
    const { home, cache } = usedHome();
    for (const path of [home, join(home, '.cache'), foldersIn(home), cache]) chownSync(path, 65_534, 65_534);
    const before = statSync(cache).ino;
    expect(await run(home)).toEqual({ code: 0, stdout: usual, stderr: '' });
    expect(statSync(cache).ino).toBe(before);
    // As with `sudo -E` in a home that has none yet: root leaves nothing there that its user could not use.
    const fresh = tempDir();
    chownSync(fresh, 65_534, 65_534);
    expect((await run(fresh)).code).toBe(0);
    expect(readdirSync(fresh)).toEqual([]);
  });

  (process.getuid?.() === 0 ? test : test.skip)('a folder that is another user’s is no error', async () => {
    const home = tempDir();
    mkdirSync(foldersIn(home), { recursive: true, mode: 0o700 });
    const options = { env: { HOME: home }, cwd: '/', user: 65_534 };
    expect(await runCli([COMMAND, 'bash'], options)).toEqual({ code: 0, stdout: usual, stderr: '' });
  });

  test('a file in the folder’s place is no error', async () => {
    const home = tempDir();
    mkdirSync(join(home, '.cache'));
    writeFileSync(foldersIn(home), '');
    expect(await run(home)).toEqual({ code: 0, stdout: usual, stderr: '' });
  });

  test('is never one of the working folder, whatever HOME and XDG_CACHE_HOME say', async () => {
    const home = tempDir();
    expect((await run(home, { HOME: '' })).code).toBe(0);
    expect(readdirSync(home)).toEqual([]);
    expect((await run(home, { XDG_CACHE_HOME: 'here' })).code).toBe(0);
    expect(readdirSync(home)).toEqual(['.cache']);
  });

  test('is not made of a dry run or a misspelt command', async () => {
    const home = tempDir();
    await run(home, {}, ['webhook', 'send', '3', '--dry-run']);
    expect((await run(home, {}, ['complteion'])).code).toBe(2);
    expect(readdirSync(home)).not.toContain('.cache');
  });
});

test('a variable of the launcher’s own that comes from elsewhere is no harm', async () => {
  const { code, stderr } = await run(tempDir(), { RECORDUPLOAD_HANDED_OVER: '1' }, ['--version']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
