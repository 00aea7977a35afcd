import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { tempDir } from '../support/temp-dir.ts';

const root = process.env.RECORDUPLOAD_TEST_ROOT ?? resolve(import.meta.dirname, '../..');

/** A package of its own, as it is installed. */
function installed(): { root: string; cache: string } {
  const folder = tempDir();
  for (const path of ['bin', 'dist', 'package.json']) cpSync(join(root, path), join(folder, path), { recursive: true });
  return { root: folder, cache: join(folder, 'dist/cache') };
}

/** Runs a package's command, in a home and with a folder for temporary files of its own. */
function run(root: string, args: readonly string[] = ['completion', 'bash'], env: NodeJS.ProcessEnv = {}) {
  const home = tempDir();
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin/recordupload.js'), ...args], {
    cwd: home,
    encoding: 'utf8',
    env: { HOME: home, TMPDIR: home, ...env },
  });
  return { status, stdout, stderr, left: readdirSync(home) };
}

let usual: ReturnType<typeof run>;
beforeAll(() => {
  usual = run(root);
  // Nothing is written outside the program's own folders.
  expect(usual).toEqual({ status: 0, stdout: expect.stringContaining('recordupload'), stderr: '', left: [] });
});

describe('the code cache beside the program', () => {
  const names = readdirSync(join(root, 'dist/cache'));

  test('is there for what cron, recorders and people call most, for all else, and for the parts that load late', () => {
    expect(names.map(name => name.split('-')[0]).sort()).toEqual(['enqueue', 'got', 'other', 'retry', 'sdk', 'upload']);
  });

  test.each(names)('%s is what this Node takes', name => {
    const [own = ''] = name.split('-');
    const file = existsSync(join(root, 'dist', `${own}.cjs`)) ? `${own}.cjs` : 'recordupload.cjs';
    const launcher = new URL(`file://${root}/bin/start-program.js`);
    const check = `
      import { readFileSync } from 'node:fs';
      import { compile, digestOf, filesIn, readProgram } from '${launcher}';
      const program = readProgram(filesIn('${join(root, 'dist')}'), '${file}');
      const bytes = readFileSync('${join(root, 'dist/cache', name)}');
      const data = bytes.subarray(32);
      console.log(digestOf(program, data).equals(bytes.subarray(0, 32)), compile(program, data).cachedDataRejected);`;
    expect(spawnSync(process.execPath, ['--input-type=module', '-e', check], { encoding: 'utf8' }).stdout).toBe(
      'true false\n',
    );
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['zeros from a quarter of it on', bytes => bytes.fill(0, bytes.length >> 2)],
    ['a page of zeros', bytes => bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 4096)],
    ['half of it', bytes => bytes.subarray(0, bytes.length >> 1)],
    ['its digest alone', bytes => bytes.subarray(0, 32)],
    ['nothing', () => Buffer.alloc(0)],
  ])('is not run with %s in its place', (_, spoil) => {
    const { root, cache } = installed();
    for (const name of names) writeFileSync(join(cache, name), spoil(readFileSync(join(cache, name))));
    expect(run(root)).toEqual(usual);
  });

  test('is not run where it was made of another program, even of one with the same length', () => {
    const { root } = installed();
    const file = join(root, 'dist/recordupload.cjs');
    const program = readFileSync(file, 'latin1');
    const other = program.replace(/^\/\/ ./, '// -').replaceAll('Uploads finished', 'UPLOADS FINISHED');
    expect(other).toHaveLength(program.length);
    writeFileSync(file, other, 'latin1');
    expect(run(root, ['--help']).stdout).toContain('UPLOADS FINISHED');
  });
});

describe('the parts that load late', () => {
  const upload = (root: string) =>
    run(root, ['upload', '--sandbox', '--quiet', resolve(import.meta.dirname, '../../fixtures/recordings/3')]);
  const parts = ['got', 'sdk'];

  test('are loaded from their files beside the program', () => {
    const { root } = installed();
    rmSync(join(root, 'dist/got.cjs'));
    expect(upload(root).stderr).toContain('got.cjs');
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['zeros in the place of their caches', bytes => bytes.fill(0, bytes.length >> 2)],
    ['no cache', () => Buffer.alloc(0)],
  ])('run as well with %s', (_, spoil) => {
    const { root, cache } = installed();
    for (const name of readdirSync(cache).filter(name => parts.includes(name.split('-')[0] ?? '')))
      writeFileSync(join(cache, name), spoil(readFileSync(join(cache, name))));
    expect(upload(root)).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('without a cache that fits', () => {
  test('the program runs as well, and writes none', () => {
    const { root, cache } = installed();
    rmSync(cache, { recursive: true });
    expect(run(root)).toEqual(usual);
  });

  test('Node’s own cache is used where NODE_COMPILE_CACHE says so', () => {
    const { root, cache } = installed();
    rmSync(cache, { recursive: true });
    const folder = tempDir();
    expect(run(root, undefined, { NODE_COMPILE_CACHE: folder })).toEqual(usual);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const largest = Math.max(...files.map(file => (file.includes('/') ? readFileSync(join(folder, file)).length : 0)));
    expect(largest).toBeGreaterThan(100_000);
  });
});
