import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runCli } from '../support/run-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

const root = resolve(import.meta.dirname, '../..');
const { version, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A package with the launcher, the program and, unless there is none, a Node of its own. */
function installed({ node }: { node: string | undefined }): string {
  const folder = tempDir();
  for (const path of ['bin', 'dist', 'package.json']) cpSync(join(root, path), join(folder, path), { recursive: true });
  if (node !== undefined) {
    mkdirSync(join(folder, 'node_modules/node/bin'), { recursive: true });
    symlinkSync(node, join(folder, 'node_modules/node/bin/node'));
  }
  return folder;
}

/** Makes this Node say that it is another one. */
const sayVersion = (node: string) =>
  `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${node}'}})`;

/** Runs the launcher under a Node that says so. */
function runUnder(node: string, folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const launcher = join(folder, 'bin/recordupload.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [`--import=${sayVersion(node)}`, launcher, ...args], {
    encoding: 'utf8',
    env: { HOME: folder, ...env },
  });
  return { status, stdout, stderr };
}

describe('the launcher', () => {
  test('needs the Node that package.json names', () => {
    expect(engines).toEqual({ node: '>=24.5' });
  });

  test.each(['24.5.0', '24.10.1', '25.0.0', '26.1.0'])('runs the program under Node %s itself', node => {
    const folder = installed({ node: undefined });
    expect(runUnder(node, folder, ['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(runUnder(node, folder, ['man'])).toMatchObject({ status: 0, stderr: '' });
  });

  test.each([
    ['24.4.1', 'an installed package'],
    ['24.0.0', 'a clone'],
    ['22.21.0', 'an installed package'],
    ['20.19.5', 'a clone'],
  ])('says under Node %s which one it needs, and how to get it in %s', (node, place) => {
    const folder = installed({ node: undefined });
    // No published package has one.
    if (place === 'a clone') writeFileSync(join(folder, 'package-lock.json'), '{}');
    const hint =
      place === 'a clone'
        ? `install it, or run "npm ci" in ${folder}/`
        : 'install it from https://nodejs.org, or take the executable or the Debian package, which bring their own';
    expect(runUnder(node, folder, ['--version'])).toEqual({
      status: 2,
      stdout: '',
      stderr: `recordupload needs Node.js 24.5 or newer (this is ${node}): ${hint}\n`,
    });
  });

  test('hands over to the package’s own Node, with arguments and exit status', () => {
    const folder = installed({ node: process.execPath });
    expect(runUnder('24.4.1', folder, ['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(runUnder('24.4.1', folder, ['uplaod'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('did you mean recordupload upload?'),
    });
  });

  test('does not hand over for ever where the package’s own Node is too old as well', () => {
    const folder = installed({ node: process.execPath });
    const everywhere = { NODE_OPTIONS: `--import=${sayVersion('24.4.1')}` };
    expect(runUnder('24.4.1', folder, ['--version'], everywhere)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('needs Node.js 24.5 or newer'),
    });
  });

  test('ignores a variable of its own that comes from elsewhere', async () => {
    const { code, stderr } = await runCli(['--help'], { env: { RECORDUPLOAD_HANDED_OVER: '1' } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('says what to do where the program is not built yet', () => {
    const folder = tempDir();
    for (const path of ['bin', 'package.json']) cpSync(join(root, path), join(folder, path), { recursive: true });
    expect(runUnder('24.5.0', folder, ['status'])).toEqual({
      status: 2,
      stdout: '',
      stderr: `recordupload is not built yet: run "npm ci && npm run build" in ${folder}/\n`,
    });
  });
});
