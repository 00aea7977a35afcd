import { cpSync, mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { sameFile, statFile } from '../../../src/core/recording/file-identity.ts';
import { fixture, inChild, makeFolder, makeRecording, read, tempFolder } from './support.ts';

describe('the files', () => {
  test('the fixture is read as a whole', async () => {
    const dir = join(tempFolder(), 'anything');
    cpSync(fixture('recordings/3'), dir, { recursive: true });
    const recording = await read(dir);
    expect(recording.id).toBe('3');
    expect(recording.dir).toBe(dir);
    expect(recording.files.map(({ role, name, contentType }) => [role, name, contentType])).toEqual([
      ['video', 'video.mkv', 'video/x-matroska'],
      ['thumbnail', 'thumbnail.jpg', 'image/jpeg'],
      ['transcript', 'transcript.txt', 'text/plain; charset=utf-8'],
    ]);
    expect(recording.skipped).toEqual([]);
    expect(recording.details).toEqual({
      title: 'Weekly sync',
      createdAt: '2025-10-25 01:55:59.374860',
      durationSeconds: 10,
      durationDatabaseSeconds: 10,
      user: { username: 'souvik', email: 'souvik@fyelabs.com' },
      emailFrom: 'sidecar',
      usernameFrom: 'sidecar',
    });
  });

  test('each file carries its identity, as a later look would have it', async () => {
    const { files } = await read(makeRecording({ 'thumbnail.png': '' }));
    for (const file of files) {
      expect(sameFile(file, await statFile(file.path))).toBe(true);
      expect(file.sizeBytes).toBe(statSync(file.path).size);
    }
    const video = files[0]!;
    writeFileSync(video.path, 'x', { flag: 'a' });
    expect(sameFile(video, await statFile(video.path))).toBe(false);
  });

  test('an empty thumbnail and an empty transcript are fine', async () => {
    const { files } = await read(makeRecording({ 'thumbnail.webp': '', 'transcript.vtt': '' }));
    expect(files.map(({ role, sizeBytes }) => [role, sizeBytes]).slice(1)).toEqual([
      ['thumbnail', 0],
      ['transcript', 0],
    ]);
  });

  test('the case of a name does not count, and the name stays as it is', async () => {
    const dir = makeFolder({ 'Video.MKV': 'no media' });
    const { files } = await read(dir, { deps: { warn: () => {} } });
    expect(files.map(file => [file.role, file.name])).toEqual([['video', 'Video.MKV']]);
  });

  test('other names, sub-folders, hidden files and partial downloads are skipped and listed', async () => {
    const dir = makeRecording({
      'notes.md': '',
      '.DS_Store': '',
      'thumbnail.jpg.part': '',
      'transcript.tmp': '',
      'Recording.json': '',
      'metadata.json': '{}',
    });
    mkdirSync(join(dir, 'raw'));
    const { files, skipped } = await read(dir);
    expect(files.map(({ name }) => name)).toEqual(['video.mkv']);
    expect(skipped).toEqual(
      ['.DS_Store', 'Recording.json', 'notes.md', 'raw', 'thumbnail.jpg.part', 'transcript.tmp'].sort(),
    );
  });

  test('extra files are those that a glob names, whatever characters are in their names', async () => {
    const names = ['a b.txt', 'a#b.txt', '100%.txt', 'über.txt', '🎬.txt', '__proto__.txt'];
    const dir = makeRecording(Object.fromEntries([...names, 'chat.log', 'other.bin'].map(name => [name, 'x'])));
    const { files, skipped } = await read(dir, { defaults: { extraFiles: ['*.txt', './chat.{log,json}'] } });
    expect(files.filter(({ role }) => role === 'extra').map(({ name }) => name)).toEqual([...names, 'chat.log'].sort());
    expect(skipped).toEqual(['other.bin']);
  });

  test('no glob reaches sidecars, hidden files, partial downloads, sub-folders or names of roles', async () => {
    const dir = makeRecording({
      'recording.json': '{}',
      'metadata.json': '{}',
      'METADATA.JSON': '{}',
      '.env': 'TOKEN=1',
      'chat.log.part': '',
      metadata: 'x',
    });
    mkdirSync(join(dir, 'raw'));
    const { files, skipped } = await read(dir, { defaults: { extraFiles: ['*', '**', '.*'] } });
    expect(files.map(({ name }) => name)).toEqual(['video.mkv']);
    expect(skipped).toEqual(['.env', 'METADATA.JSON', 'chat.log.part', 'metadata', 'raw'].sort());
  });

  test('a link inside the folder is followed; the name stays the link’s', async () => {
    const dir = makeFolder({ 'Meeting of Friday.mkv': 'no media' });
    symlinkSync('Meeting of Friday.mkv', join(dir, 'video.mkv'));
    const { files } = await read(dir, { deps: { warn: () => {} } });
    expect(files).toMatchObject([{ name: 'video.mkv', path: join(dir, 'Meeting of Friday.mkv'), sizeBytes: 8 }]);
  });

  test('nothing is written to the folder', async () => {
    const dir = makeRecording();
    const before = statSync(dir).mtimeMs;
    await read(dir);
    expect(statSync(dir).mtimeMs).toBe(before);
  });
});

describe('the id', () => {
  const sidecar = JSON.stringify({ recording_id: 7 });

  test('is the flag’s, else the sidecar’s, else the folder’s name', async () => {
    expect((await read(makeRecording({ 'recording.json': sidecar }), { overrides: { id: 'x-1' } })).id).toBe('x-1');
    expect((await read(makeRecording({ 'recording.json': sidecar }))).id).toBe('7');
    expect((await read(makeRecording({ 'metadata.json': '{"recording_id":"07"}' }))).id).toBe('07');
    expect((await read(makeRecording({ 'recording.json': '{"recording_id":null}' }))).id).toBe('42');
  });

  test('is the real folder’s name where a link leads to it, and behind a trailing slash', async () => {
    const dir = makeRecording();
    const link = join(dirname(dir), 'latest');
    symlinkSync(basename(dir), link);
    expect(await read(link)).toMatchObject({ id: '42', dir });
    expect(await read(`${dir}/`)).toMatchObject({ id: '42', dir });
  });

  test('is the working directory’s name for "."', () => {
    const code = `import { systemClock } from '@/core/clock.ts';
      import { readRecording } from '@/core/recording/read-recording.ts';
      const recording = await readRecording('.', {}, { user: {}, extraFiles: [] }, { clock: systemClock, warn() {} });
      console.log(JSON.stringify(recording));`;
    const dir = makeFolder({ 'video.mkv': 'x', 'recording.json': '{"duration_seconds":1}' });
    expect(inChild(code, { cwd: dir })).toMatchObject({ id: '42', dir });
  });
});

describe('the details', () => {
  const sidecar = {
    title: 'Of the sidecar',
    created_at: '2025-01-02T03:04:05.678901+02:00',
    duration_seconds: 70,
    duration_database: 71.6,
    user_info: { username: 'sidecar', email: 'Sidecar@example.org', token: 'secret' },
    upload_token: 'secret',
  };
  const user = { name: 'config', email: 'config@example.org' };

  test('flags beat the sidecar', async () => {
    const { details } = await read(makeRecording({ 'recording.json': JSON.stringify(sidecar) }), {
      overrides: {
        title: 'Of the flag',
        createdAt: '2024-01-01 00:00',
        durationSeconds: '01:02:03',
        username: 'flag',
        email: 'flag@example.org',
      },
      defaults: { user },
    });
    expect(details).toEqual({
      title: 'Of the flag',
      createdAt: '2024-01-01 00:00:00.000000',
      durationSeconds: 3723,
      durationDatabaseSeconds: 3723,
      user: { username: 'flag', email: 'flag@example.org' },
      emailFrom: 'asked',
      usernameFrom: 'asked',
    });
  });

  test('the sidecar beats the configuration and the media; keys that nobody knows are dropped', async () => {
    const { details } = await read(makeRecording({ 'recording.json': JSON.stringify(sidecar) }), {
      defaults: { user },
    });
    expect(details).toEqual({
      title: 'Of the sidecar',
      createdAt: '2025-01-02 01:04:05.678901',
      durationSeconds: 70,
      durationDatabaseSeconds: 72,
      user: { username: 'sidecar', email: 'Sidecar@example.org' },
      emailFrom: 'sidecar',
      usernameFrom: 'sidecar',
    });
    expect(JSON.stringify(details)).not.toContain('secret');
  });

  test('empty texts and nulls in the sidecar count as not noted', async () => {
    const empty = { title: ' ', created_at: null, user_info: { username: '', email: '' }, duration_seconds: null };
    const { details } = await read(makeRecording({ 'recording.json': JSON.stringify(empty) }), { defaults: { user } });
    expect(details).toMatchObject({ durationSeconds: 10, user: { username: 'config', email: 'config@example.org' } });
    expect(details.title).toMatch(/^Meeting \d{4}-\d\d-\d\d \d\d:\d\d$/);
  });

  test('recording.json counts where metadata.json lies beside it', async () => {
    const { details, skipped } = await read(
      makeRecording({ 'recording.json': '{"title":"one"}', 'metadata.json': 'not even JSON' }),
    );
    expect(details.title).toBe('one');
    expect(skipped).toEqual([]);
  });

  test('a sidecar with a byte order mark and control characters in its title is read', async () => {
    const { details } = await read(
      makeRecording({ 'recording.json': '\ufeff{"title":"\\u001b[31mred\\n two\\u0000"}' }),
    );
    expect(details.title).toBe('[31mred  two');
  });

  test('where only one duration is known, both carry it', async () => {
    const measured = await read(makeRecording());
    expect(measured.details).toMatchObject({ durationSeconds: 10, durationDatabaseSeconds: 10 });
    const unreadable = makeFolder({ 'video.mkv': 'no media', 'recording.json': '{"duration_database":9}' });
    const warnings: string[] = [];
    const noted = await read(unreadable, { deps: { warn: message => warnings.push(message) } });
    expect(noted.details).toMatchObject({ durationSeconds: 9, durationDatabaseSeconds: 9 });
    expect(warnings).toEqual([expect.stringContaining('video.mkv: its duration could not be measured: ')]);
  });

  test('measured and noted durations stand side by side', async () => {
    const { details } = await read(makeRecording({ 'recording.json': '{"duration_database":12}' }));
    expect(details).toMatchObject({ durationSeconds: 10, durationDatabaseSeconds: 12 });
  });

  test('media that cannot be measured is a warning and no failure', async () => {
    const warnings: string[] = [];
    const { details } = await read(makeFolder({ 'video.avi': 'no media' }), {
      deps: { warn: message => warnings.push(message) },
    });
    expect(details.durationSeconds).toBeUndefined();
    expect(details.durationDatabaseSeconds).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });

  test('an interruption while measuring is one', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(read(makeRecording(), { deps: { signal } })).rejects.toThrow('stop');
  });

  test('a copied video began its duration before its last change', async () => {
    const dir = makeRecording();
    utimesSync(join(dir, 'video.mkv'), 1_700_000_010.5, 1_700_000_010.5);
    expect((await read(dir)).details.createdAt).toBe('2023-11-14 22:13:20.500000');
  });

  test('the derived start does not change from run to run', async () => {
    const dir = makeRecording();
    expect((await read(dir)).details).toEqual((await read(dir)).details);
  });

  test('the default title is the start’s local time', () => {
    const code = `import { systemClock } from '@/core/clock.ts';
      import { readRecording } from '@/core/recording/read-recording.ts';
      const deps = { clock: systemClock, warn() {} };
      const overrides = { createdAt: '2025-10-25 01:55:59.374860', durationSeconds: 77 };
      const recording = await readRecording(process.argv[1], overrides, { user: {}, extraFiles: [] }, deps);
      console.log(JSON.stringify(recording.details));`;
    const dir = makeFolder({ 'video.mkv': 'x' });
    expect(inChild(code, { env: { TZ: 'America/New_York' }, args: [dir] })).toMatchObject({
      title: 'Meeting 2025-10-24 21:55',
      createdAt: '2025-10-25 01:55:59.374860',
    });
  });
});

test('a recording whose details are known loads no media library', () => {
  const code = `import { registerHooks } from 'node:module';
    const seen = [];
    registerHooks({ resolve: (name, context, next) => (seen.push(name), next(name, context)) });
    const { systemClock } = await import('@/core/clock.ts');
    const { readRecording } = await import('@/core/recording/read-recording.ts');
    const deps = { clock: systemClock, warn() {} };
    const read = flags => readRecording(process.argv[1], flags, { user: {}, extraFiles: [] }, deps);
    await read({ durationSeconds: 1 });
    const before = seen.includes('mediabunny');
    await read({});
    console.log(JSON.stringify([before, seen.includes('mediabunny')]));`;
  expect(inChild(code, { args: [makeRecording()] })).toEqual([false, true]);
});
