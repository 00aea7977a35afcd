import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { queuedOn } from '../support/queued.ts';
import { tempDir } from '../support/temp-dir.ts';

const sandbox = await openSandbox({ receiver: { users: 'any' } });

describe('a folder that can never be uploaded is refused with one line and exit status 2', () => {
  const named = (name: string) => makeRecording({ name });
  const cases: [string, () => string[], string][] = [
    ['it does not exist', () => [join(tempDir(), 'nowhere')], 'does not exist'],
    ['it is a file', () => [join(makeRecording(), 'video.mkv')], 'is not a folder'],
    ['a link leads nowhere', () => [linkTo('nowhere')], 'does not exist'],
    ['its name is no ID', () => [named('a b')], 'is not a valid recording ID'],
    ['its sidecar has no valid ID', () => [withSidecar('{"recording_id": "a/b"}')], 'is not a valid recording ID'],
    ['the ID is not valid', () => [makeRecording(), '--id', 'a b'], 'is not a valid recording ID'],
    ['the path is empty', () => [''], 'its path is an empty text'],
    [
      'one ID is given for two',
      () => [makeRecording(), makeRecording(), '--id', '7'],
      '--id goes with one folder only',
    ],
    ['an option is wrong', () => [makeRecording(), '--email', 'ada'], 'is not an e-mail address'],
    ['nothing is below it', () => ['--recursive', tempDir()], 'has no recording below it'],
  ];
  test.each(cases)('%s', async (_, args, says) => {
    const desk = openDesk(sandbox);
    const { code, stdout, stderr } = await desk.run(['enqueue', ...args()]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(await queuedOn(desk)).toEqual([]);
  });

  test('and does not keep the others from being taken', async () => {
    const desk = openDesk(sandbox);
    const dir = makeRecording();
    const { code, stdout, stderr } = await desk.run(['enqueue', '', '/nowhere', dir]);
    expect(code).toBe(2);
    expect(stdout).toContain(`${dir}\n`);
    expect(stderr).toContain('not enqueued: /nowhere does not exist');
    expect(await queuedOn(desk)).toMatchObject([{ dir }]);
    expect(desk.log().sort()).toEqual(['upload enqueued', 'upload refused', 'upload refused']);
  });
});

describe('where the state cannot keep it, nothing is taken, and that is said', () => {
  test('because a file is in its place', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(join(desk.stateDir, '..'), { recursive: true });
    writeFileSync(desk.stateDir, 'not a folder');
    const dir = makeRecording();
    const { code, stdout, stderr } = await desk.run(['enqueue', dir]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain(`nothing was enqueued; to upload without the state: recordupload upload ${dir}`);
  });

  test('because the configuration does not say where it is', async () => {
    const desk = openDesk(sandbox);
    writeFileSync(join(desk.cwd, '.recorduploadrc'), '{"stateDir": "../elsewhere", bucket', { mode: 0o600 });
    const { code, stdout, stderr } = await desk.run(['enqueue', makeRecording()]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('.recorduploadrc: line 1: not valid');
    expect(stderr).toContain('(nothing was enqueued)');
  });

  test('because a newer version has written it', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(desk.stateDir, { recursive: true, mode: 0o700 });
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(join(desk.stateDir, 'state.db'));
    database.exec('PRAGMA user_version = 999');
    database.close();
    const { code, stderr } = await desk.run(['enqueue', makeRecording()]);
    expect(code).toBe(4);
    expect(stderr).toContain('was written by a newer version');
    expect(stderr).toContain('nothing was enqueued');
  });
});

function linkTo(target: string): string {
  const link = join(tempDir(), 'link');
  symlinkSync(join(tempDir(), target), link);
  return link;
}

function withSidecar(text: string): string {
  return makeRecording({ files: { 'recording.json': text } });
}
