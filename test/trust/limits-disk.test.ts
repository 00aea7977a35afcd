import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { programCommand } from '../support/built-program.ts';
import { makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

/*
 * Disks with no inode left, with no room, and read-only ones, each in a mount namespace of its own, which ends with the
 * program. Machines that allow none (many containers) leave these tests out.
 */

const MOUNT = 'mount -t tmpfs -o "$1" tmpfs "$0"';
const inNamespace = (dir: string, options: string, command: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  spawnSync(
    'unshare',
    ['-r', '-m', 'sh', '-c', `${MOUNT} && cd "$0" && shift && exec "$@"`, dir, options, ...command],
    {
      env: { PATH: process.env.PATH, ...env },
      encoding: 'utf8',
      timeout: 20_000,
    },
  );

const withDisks = inNamespace(tempDir(), 'size=4k', ['true']).status === 0 ? describe : describe.skip;

/** Runs the built program with its home, temporary and working folder on such a disk. */
function runOn(options: string, args: readonly string[]) {
  const dir = tempDir();
  const program = [...programCommand, ...args];
  const { status, stderr } = inNamespace(dir, `mode=700,${options}`, program, { HOME: dir, TMPDIR: dir });
  return { status, stderr: stderr.replaceAll(dir, '/disk') };
}

const NO_INODE = 'size=4m,nr_inodes=1';
const STATE = '/disk/.local/state/recordupload';
const INIT = ['config', 'init', '--here', '--email', 'ada@example.com'];

withDisks('a disk that takes nothing', () => {
  test.each([
    [NO_INODE, `the disk of the state folder ${STATE} takes no more files (no free inode)`],
    ['size=4m,nr_inodes=8', `the disk of the state folder ${STATE} takes no more files (no free inode)`],
    ['size=16k', `the disk of the state folder ${STATE} is full`],
    ['size=160k', `the disk of the state folder ${STATE} is full`],
    ['ro', `the state folder ${STATE} is on a read-only disk`],
  ])('the state on %s: %s, exit 4', (options, why) => {
    const { status, stderr } = runOn(options, ['retry']);
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect(stderr).toContain(`error: ${why} (`);
    expect(status).toBe(4);
  });

  test.each([
    [NO_INODE, INIT, 'the configuration cannot be written: /disk: its disk takes no more files (no free inode)'],
    ['size=4k', ['sandbox', '--data', 'box'], 'the sandbox cannot start: box: its disk is full'],
    ['ro', INIT, 'the configuration cannot be written: /disk: its disk is read-only'],
    [
      NO_INODE,
      ['sandbox', '--data', 'box'],
      'the sandbox cannot start: box: its disk takes no more files (no free inode)',
    ],
    ['ro', ['sandbox', '--data', 'box'], 'the sandbox cannot start: box: its disk is read-only'],
    ['ro', ['upload', '--sandbox', makeRecording()], 'the sandbox gets no folder in /disk: its disk is read-only'],
  ])('%s: %j ends with one line, exit 2', (options, args, why) => {
    const { status, stderr } = runOn(options, args);
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect(stderr).toContain(`error: ${why} (`);
    expect(status).toBe(2);
  });
});
