import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});

interface Story {
  name: string;
  /** Makes it; returns what is given on the command line. */
  make(parent: string): string;
  options?: string[];
  code: 2 | 3;
  /** What, where, and (in brackets) what next. */
  says: RegExp;
}

const withSidecar = (text: string) => (parent: string) =>
  makeRecording({ parent, name: '3', files: { 'recording.json': text } });
const withId = (id: string): Pick<Story, 'make' | 'options' | 'code' | 'says'> => ({
  make: parent => makeRecording({ parent, name: '3' }),
  options: ['--id', id],
  code: 2,
  says: /^error: --id: ".*" is not a valid recording ID \(use 1 to 64 .*\)$/,
});

const STORIES: Story[] = [
  {
    name: 'a folder that is missing',
    make: parent => join(parent, '3'),
    code: 3,
    says: /3 does not exist \(check the path\)$/,
  },
  {
    name: 'a path with ~, as systemd leaves it',
    make: () => '~/recordings/3',
    code: 3,
    says: /\/~\/recordings\/3 does not exist \(write the whole path: no shell has replaced ~\)$/,
  },
  {
    name: 'a path with a variable',
    make: () => '$HOME/3',
    code: 3,
    says: /\/\$HOME\/3 does not exist \(write the whole path: no shell has replaced \$HOME\)$/,
  },
  {
    name: 'a pattern that matches nothing',
    make: () => '/nowhere/recordings/*',
    code: 3,
    says: /\/\* does not exist \(check the pattern: it matches nothing, or no shell has replaced it\)$/,
  },
  {
    name: 'no name at all',
    make: () => '',
    code: 2,
    says: /^error: the folder is missing: its path is an empty text \(name the folder; .*\)$/,
  },
  {
    name: 'two videos',
    make: parent => makeRecording({ parent, name: '3', files: { 'video.mp4': 'x' } }),
    code: 3,
    says: /3 has more than one video: video\.mkv, video\.mp4 \(leave one video in it\)$/,
  },
  {
    name: 'a symlink out of the folder',
    make: parent => {
      writeFileSync(join(parent, 'secret.txt'), 'private');
      const dir = makeRecording({ parent, name: '3', files: { 'transcript.txt': null } });
      symlinkSync('../secret.txt', join(dir, 'transcript.txt'));
      return dir;
    },
    code: 3,
    says: /3\/transcript\.txt is a symbolic link that leads out of the folder \(put .*\)$/,
  },
  { name: 'an id with control characters', ...withId('a\u001b[2Jb') },
  {
    name: 'a sidecar that is no JSON',
    make: withSidecar('title = "Weekly sync"'),
    code: 3,
    says: /recording\.json is not JSON: .*\(fix it there, or delete the file\)$/,
  },
  {
    name: 'a sidecar of 10 MB',
    make: withSidecar(`{"title": "${'x'.repeat(10_000_000)}"}`),
    code: 3,
    says: /recording\.json is larger than 1 MiB \(.*\)$/,
  },
  {
    name: 'a terminal’s control characters in a path',
    make: parent => join(parent, '\u001b[2Jgone\n'),
    code: 3,
    says: /\\u001b\[2Jgone\\u000a does not exist \(check the path\)$/,
  },
];

// All that can be wrong with a folder, message by message: test/errors/recordings.ts.
describe('a folder that is not a usable recording is reported in one line, and nothing is sent', () => {
  test.each(STORIES)('$name', async ({ make, options = [], code, says }) => {
    const desk = openDesk(sandbox);
    sandbox.s3.resetRequests();
    const result = await desk.run(['upload', make(tempDir()), ...options]);
    const lines = result.stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^error: /);
    expect(lines[0]).toMatch(says);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(lines[0]).not.toContain('\u001b');
    expect(sandbox.s3.requests()).toEqual([]);
    expect(sandbox.receiver.requests()).toEqual([]);
    // It is remembered as refused where there is a folder, and as nothing else.
    expect((await desk.run(['retry', '--list'])).stdout).toMatch(/^(?:nothing to do|refused:)/);
  });

  test('among several, whatever its name would do to a terminal', async () => {
    const desk = openDesk(sandbox);
    const parent = tempDir();
    makeRecording({ parent, name: 'good' });
    makeRecording({ parent, name: '\u001b[2Jevil\n', files: { 'video.mkv': '' } });
    for (const args of [
      ['--recursive', parent],
      [join(parent, 'good'), join(parent, '\u001b[2Jevil\n')],
    ]) {
      const { code, stdout, stderr } = await desk.run(['upload', ...args]);
      expect(code).toBe(3);
      expect(stderr).toMatch(
        /^error: .*\\u001b\[2Jevil\\u000a: .*\\u001b\[2Jevil\\u000a\/video\.mkv is empty \(.*\)$/m,
      );
      expect(stdout + stderr).not.toContain('\u001b');
    }
  });

  // Root may read everything.
  const asNobody = process.getuid?.() === 0 ? test : test.skip;
  asNobody.each([
    ['folder', ''],
    ['video', 'video.mkv'],
    ['sidecar', 'recording.json'],
  ])('an unreadable %s', async (_what, name) => {
    const desk = openDesk(sandbox);
    chmodSync(desk.home, 0o777);
    const dir = makeRecording({ files: { 'recording.json': '{}' } });
    chmodSync(join(dir, name), 0o000);
    const { code, stderr } = await desk.run(['upload', dir], { user: 65_534, cwd: '/' });
    expect(stderr).toMatch(/^error: .* may not be read by this user \(check its permissions .*\)\n$/);
    expect(code).toBe(3);
  });
});
