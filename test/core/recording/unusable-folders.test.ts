import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { failure, inChild, makeFolder, makeRecording, read, tempFolder } from './support.ts';

/** Reads a folder that is no usable recording and returns `message (hint)`. */
async function refusal(dir: string, extraFiles: string[] = []): Promise<string> {
  const error = await failure(read(dir, { defaults: { extraFiles } }));
  expect(error.code).toBe('RECORDING');
  expect(error.message).not.toMatch(/[\u0000-\u001f]/);
  return error.hint ? `${error.message} (${error.hint})` : error.message;
}

describe('the folder', () => {
  test('missing', async () => {
    const dir = join(tempFolder(), 'gone');
    expect(await refusal(dir)).toBe(`${dir} does not exist (check the path)`);
  });

  test('a control character in its path does not reach the terminal', async () => {
    expect(await refusal('/nowhere/\u001b[31m')).toContain('/nowhere/\\u001b[31m does not exist');
  });

  test('not named at all', async () => {
    expect(await failure(read(''))).toMatchObject({ code: 'USAGE' });
  });

  test('empty', async () => {
    expect(await refusal(makeFolder({}))).toMatch(/42 is empty \(put the video there as video\.mkv/);
  });

  test('a file', async () => {
    const dir = makeFolder({ 'video.mkv': 'x' });
    expect(await refusal(join(dir, 'video.mkv'))).toBe(
      `${join(dir, 'video.mkv')} is not a folder (name the folder that holds it: ${dir})`,
    );
    expect(await refusal(join(dir, 'video.mkv', 'deeper'))).toContain('not a folder');
  });

  test('a link that leads in a circle', async () => {
    const link = join(tempFolder(), 'loop');
    symlinkSync('loop', link);
    expect(await refusal(link)).toContain('symbolic link that leads in a circle');
  });

  test('a name that is no legal id', async () => {
    expect(await refusal(makeRecording({}, 'Weekly sync'))).toMatch(
      /the folder’s name: "Weekly sync" is not a valid recording ID \(.*--id 42\)/,
    );
  });
});

describe('the video', () => {
  test('none', async () => {
    expect(await refusal(makeFolder({ 'thumbnail.jpg': 'x' }))).toMatch(/has no video \(the video is named video\.mkv/);
  });

  test('none, but one of another name', async () => {
    expect(await refusal(makeFolder({ 'GMT20251025.mp4': 'x' }))).toContain('rename GMT20251025.mp4 to video.mp4');
  });

  test('none yet', async () => {
    expect(await refusal(makeFolder({ 'video.mkv.part': 'x' }))).toContain('video.mkv.part is not finished');
  });

  test('empty', async () => {
    expect(await refusal(makeFolder({ 'video.mkv': '' }))).toMatch(/video\.mkv is empty \(wait until/);
  });

  test('two', async () => {
    expect(await refusal(makeFolder({ 'video.mkv': 'x', 'video.mp4': 'x' }))).toContain(
      'has more than one video: video.mkv, video.mp4 (leave one video in it)',
    );
  });

  test('a folder', async () => {
    const dir = makeFolder({ 'thumbnail.jpg': 'x' });
    mkdirSync(join(dir, 'video.mkv'));
    expect(await refusal(dir)).toMatch(/video\.mkv is a folder, not a file/);
  });

  test('a named pipe: told at once, never opened', async () => {
    const dir = makeFolder({});
    execFileSync('mkfifo', [join(dir, 'video.mkv')]);
    expect(await refusal(dir)).toContain('video.mkv is a named pipe, not a file');
  });

  test('a socket', async () => {
    const dir = makeFolder({});
    const server = createServer();
    await new Promise<void>(resolve => server.listen(join(dir, 'video.mkv'), resolve));
    try {
      expect(await refusal(dir)).toContain('video.mkv is a socket, not a file');
    } finally {
      await new Promise(resolve => server.close(resolve));
    }
  });
});

describe('other files', () => {
  test('two transcripts', async () => {
    const dir = makeRecording({ 'transcript.txt': 'x', 'transcript.vtt': 'x' });
    expect(await refusal(dir)).toContain('has more than one transcript: transcript.txt, transcript.vtt');
  });

  test.each(['thumbnail.jpg', 'recording.json', 'extra.txt'])('a link out of the folder: %s', async name => {
    const dir = makeRecording();
    writeFileSync(join(dirname(dir), 'outside'), '{}');
    symlinkSync('../outside', join(dir, name));
    expect(await refusal(dir, ['*.txt'])).toContain(`${name} is a symbolic link that leads out of the folder`);
  });

  test('a link to a neighbour whose name begins like the folder’s', async () => {
    const dir = makeRecording();
    mkdirSync(`${dir}0`);
    writeFileSync(`${dir}0/thumbnail.jpg`, 'x');
    symlinkSync(`${dir}0/thumbnail.jpg`, join(dir, 'thumbnail.jpg'));
    expect(await refusal(dir)).toContain('leads out of the folder');
  });

  test('a link to a device', async () => {
    const dir = makeRecording();
    symlinkSync('/dev/zero', join(dir, 'transcript.txt'));
    expect(await refusal(dir)).toContain('leads out of the folder');
  });

  test('a link to nothing', async () => {
    const dir = makeRecording();
    symlinkSync('gone', join(dir, 'transcript.txt'));
    expect(await refusal(dir)).toContain('transcript.txt is a symbolic link to nothing');
  });

  test('a link to itself', async () => {
    const dir = makeRecording();
    symlinkSync('transcript.txt', join(dir, 'transcript.txt'));
    expect(await refusal(dir)).toContain('transcript.txt is a symbolic link that leads in a circle');
  });

  test('an extra file with a control character in its name', async () => {
    expect(await refusal(makeRecording({ 'a\nb.txt': 'x' }), ['*.txt'])).toBe(
      'the file name "a\\nb.txt" contains control characters (rename the file)',
    );
  });

  test('an extra file whose name is not UTF-8', async () => {
    const dir = makeRecording();
    writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xe4]), Buffer.from('.txt')]), 'x');
    expect(await refusal(dir, ['*.txt'])).toContain('is not UTF-8');
  });

  test('an extra file whose name is longer than the storage allows', async () => {
    const name = `${'x'.repeat(251)}.txt`;
    expect(await refusal(makeRecording({ [name]: 'x' }), ['*.txt'])).toContain('is longer than 254 bytes');
    expect(
      (await read(makeRecording({ [name.slice(1)]: 'x' }), { defaults: { extraFiles: ['*.txt'] } })).files,
    ).toHaveLength(2);
  });
});

describe('the sidecar', () => {
  test.each<[string, string | Buffer, string]>([
    ['no JSON', '{\n  "recording_id": 3,\n  "token": s3cr3t\n}', 'is not JSON: line 3, column 12 (fix it there'],
    ['cut off', '{"token": "s3cr3t', 'is not JSON: line 1, column 18'],
    ['empty', ' ', 'is empty (write {} in it, or delete it)'],
    ['no object', '["s3cr3t"]', ': expected a JSON object'],
    ['null', 'null', ': expected a JSON object'],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'is not UTF-8 text'],
    ['too large', JSON.stringify({ x: 'x'.repeat(1024 * 1024) }), 'is larger than 1 MiB'],
    ['a title of the wrong type', '{"title": 3}', ': title: expected text'],
    ['an id of the wrong type', '{"recording_id": {"s3cr3t":1}}', ': recording_id: expected a whole number or text'],
    ['an id that is no whole number', '{"recording_id": 1.5}', ': recording_id: expected a whole number or text'],
    ['a negative id', '{"recording_id": -5}', ': recording_id: expected 0 or more, or text'],
    ['an illegal id', '{"recording_id": "../3"}', ': recording_id: "../3" is not a valid recording ID'],
    ['an empty id', '{"recording_id": ""}', ': recording_id: "" is not a valid recording ID'],
    ['a duration of the wrong type', '{"duration_seconds": "77"}', ': duration_seconds: expected a number of seconds'],
    ['a negative duration', '{"duration_database": -1}', ': duration_database: expected a number of seconds, 0 or'],
    ['an endless duration', '{"duration_database": 1e999}', ': duration_database: expected a number of seconds'],
    ['a time since 1970', '{"created_at": 1761357359}', ': created_at: expected text'],
    ['a time that is none', '{"created_at": "yesterday"}', ': created_at: expected a date and time; write it as 2025-'],
    ['a user of the wrong type', '{"user_info": "souvik"}', ': user_info: expected an object'],
    ['an address that is none', '{"user_info": {"email": "s v@x"}}', ': user_info: email: expected an e-mail address'],
    [
      'two flaws',
      '{"title": 3, "duration_seconds": []}',
      ': title: expected text; duration_seconds: expected a number',
    ],
  ])('%s', async (_what, content, expected) => {
    const dir = makeRecording({ 'recording.json': content });
    const told = await refusal(dir);
    expect(told.startsWith(join(dir, 'recording.json'))).toBe(true);
    expect(told).toContain(`recording.json${expected.startsWith(':') ? '' : ' '}${expected}`);
  });

  test('its text never reaches the error, nor its cause', async () => {
    const error = await failure(read(makeRecording({ 'metadata.json': '{"token": s3cr3t}' })));
    expect(error.message).toContain('metadata.json is not JSON');
    expect(`${error.stack} ${JSON.stringify(error)} ${error.cause}`).not.toContain('s3cr3t');
  });

  test('a folder', async () => {
    const dir = makeRecording();
    mkdirSync(join(dir, 'metadata.json'));
    expect(await refusal(dir)).toContain('metadata.json is a folder, not a file');
  });

  test('a megabyte of brackets', async () => {
    expect(await refusal(makeRecording({ 'recording.json': '['.repeat(1_000_000) }))).toContain(
      'is not JSON: line 1, column 1000001',
    );
  });
});

test.each([
  [{ id: 'a/b' }, '--id: "a/b" is not a valid recording ID'],
  [{ title: ' ' }, '--title: " " is not a title'],
  [{ username: '' }, '--username: "" is not a user name'],
  [{ email: 'souvik' }, '--email: "souvik" is not an e-mail address'],
  [{ createdAt: '25.10.2025' }, '--created-at: "25.10.2025" is not a date and time; write it as 2025-10-25 01:55:59'],
  [{ durationSeconds: '1m' }, '--duration: "1m" is not a number of whole seconds, nor HH:MM:SS'],
  [{ durationSeconds: -1 }, '--duration: "-1" is not'],
])('a wrong flag is told before the folder is looked at: %j', async (overrides, expected) => {
  const error = await failure(read('/nowhere', { overrides }));
  expect(error.code).toBe('USAGE');
  expect(error.message).toContain(expected);
});

describe('without permission', () => {
  const root = process.getuid?.() === 0;
  const code = `import { systemClock } from '@/core/clock.ts';
      import { readRecording } from '@/core/recording/read-recording.ts';
    // Once all is loaded: the sources may lie in a folder that is root's alone.
    if (process.getuid?.() === 0) {
      process.setgid(65534);
      process.setuid(65534);
    }
    const deps = { clock: systemClock, warn() {} };
    const reading = readRecording(process.argv[1], {}, { user: {}, extraFiles: [] }, deps);
    console.log(JSON.stringify(await reading.then(() => 'read', error => [error.code, error.message])));`;
  /** Permissions do not stop root, so that the reader is somebody else then. */
  const readAsUser = (dir: string) => {
    if (root) chmodSync(dirname(dir), 0o755);
    return inChild(code, { args: [dir] });
  };

  test('the folder', () => {
    const dir = makeRecording();
    chmodSync(dir, 0o000);
    try {
      expect(readAsUser(dir)).toEqual(['RECORDING', `${dir} may not be read by this user`]);
    } finally {
      chmodSync(dir, 0o755);
    }
  });

  test('the video', () => {
    const dir = makeRecording();
    chmodSync(join(dir, 'video.mkv'), 0o000);
    expect(readAsUser(dir)).toEqual(['RECORDING', `${join(dir, 'video.mkv')} may not be read by this user`]);
  });
});
