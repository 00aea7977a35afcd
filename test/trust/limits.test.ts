import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { programRoot } from '../support/run-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

test.each(['status', 'retry', 'doctor', 'upload .'])(
  '%s in a working folder that was removed: one line that says so, exit 2',
  command => {
    const gone = join(tempDir(), 'gone');
    const script = `mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"`;
    const program = [process.execPath, join(programRoot, 'bin/recordupload.js'), ...command.split(' ')];
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
