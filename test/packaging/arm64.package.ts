import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';
import { tempDir } from '../support/temp-dir.ts';

/* The executable for Linux arm64, by QEMU and Debian's libraries for that processor (`.ci/run` installs them). */

const root = resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const LIBRARIES = '/usr/aarch64-linux-gnu';

let executable: string;
beforeAll(async () => {
  const out = tempDir();
  const build = [join(root, 'scripts/executables/build.ts'), '--out', out, 'linux-arm64'];
  await promisify(execFile)(process.execPath, build);
  executable = join(out, `recordupload-${version}-linux-arm64`);
});

function run(...args: string[]) {
  const home = tempDir();
  const { status, stdout, stderr } = spawnSync('qemu-aarch64-static', ['-L', LIBRARIES, executable, ...args], {
    cwd: home,
    encoding: 'utf8',
    env: { HOME: home, TMPDIR: home },
  });
  return { status, stdout, stderr, left: readdirSync(home) };
}

test('it says its version', () => {
  expect(run('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '', left: [] });
});

test('it uploads a recording to its own sandbox', () => {
  const { status, stdout } = run('upload', '--sandbox', '--json', join(root, 'fixtures/recordings/3'));
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ result: { recordings: [{ recordingId: '3', outcome: 'uploaded' }] } });
});
