import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { enqueueJson, queuedOn } from '../support/queued.ts';
import { tempDir } from '../support/temp-dir.ts';

const sandbox = await openSandbox({ receiver: { users: 'any' } });

describe('a folder that cannot be uploaded yet', () => {
  const cases: [string, Parameters<typeof makeRecording>[0], string][] = [
    ['has no video', { files: { 'video.mkv': null } }, 'has no video'],
    ['has an empty video', { videoBytes: 0 }, 'is empty'],
    ['has an unfinished video', { files: { 'video.mkv': null, 'video.mkv.part': 'x' } }, 'has no video yet'],
    ['has half a sidecar', { files: { 'recording.json': '{"title": "Wee' } }, 'recording.json'],
    ['has two videos', { files: { 'video.mp4': 'x' } }, 'more than one video'],
  ];
  test.each(cases)('because it %s is taken and waits with that reason', async (_, files, reason) => {
    const desk = openDesk(sandbox);
    const dir = makeRecording({ ...files });
    const { code, stdout } = await desk.run(['enqueue', dir]);
    expect(code).toBe(0);
    expect(stdout).toContain('waits: ');
    expect(stdout).toContain(reason);
    expect(await queuedOn(desk)).toMatchObject([{ dir, reason: expect.stringContaining(reason) }]);
    expect((await desk.run(['status'])).code).toBe(0);
    // It begins by itself, so nobody has to act.
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(await queuedOn(desk)).toHaveLength(1);
  });

  test('because it is empty is uploaded once it is complete', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = join(tempDir(), id);
    mkdirSync(dir);
    expect((await desk.run(['enqueue', dir, '--title', 'Early'])).code).toBe(0);
    renameSync(join(makeRecording(), 'video.mkv'), join(dir, 'video.mkv'));
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).map(({ body }) => body.title)).toEqual(['Early']);
  });

  test('keeps what the recorder said if an upload beside it refuses the folder', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = join(tempDir(), id);
    mkdirSync(dir);
    expect((await desk.run(['enqueue', dir, '--title', 'Said by the recorder'])).code).toBe(0);
    expect((await desk.run(['upload', dir])).code).toBe(3);
    expect((await desk.run(['status'])).code).toBe(0);
    renameSync(join(makeRecording(), 'video.mkv'), join(dir, 'video.mkv'));
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).map(({ body }) => body.title)).toEqual(['Said by the recorder']);
  });

  test('because there are no access keys waits for them, also after a retry', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const env = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const [recording] = (await enqueueJson(desk, [makeRecording({ name: id })], env)).recordings;
    expect(recording).toMatchObject({ recordingId: id, outcome: 'enqueued' });
    expect(recording?.waitsFor?.message).toContain('no access keys');
    expect((await desk.run(['retry'], { env })).code).toBe(2);
    expect(await queuedOn(desk)).toMatchObject([
      { recordingId: id, reason: expect.stringContaining('no access keys') },
    ]);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('because the secrets cannot be used now is taken all the same', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    const env = { WEBHOOK_TOKEN: undefined, WEBHOOK_TOKEN_FILE: join(desk.home, 'nowhere') };
    const { code, stderr } = await desk.run(['enqueue', dir], { env });
    expect(code).toBe(0);
    expect(stderr).toContain('WEBHOOK_TOKEN_FILE');
    expect(await queuedOn(desk)).toHaveLength(1);
    expect((await desk.run(['enqueue', dir], { env: { WEBHOOK_TOKEN: undefined } })).stdout).toContain(
      'webhooks to default wait until it has a token',
    );
  });

  test('because it may not be read is taken, waits, and is not taken for gone', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const parent = join(desk.home, 'closed');
    const dir = makeRecording({ name: id, parent });
    // Root may read everything.
    const nobody = process.getuid?.() === 0 ? 65_534 : undefined;
    if (nobody !== undefined) for (const path of [desk.home, desk.cwd]) chownSync(path, nobody, nobody);
    const user = nobody === undefined ? {} : { user: nobody };
    chmodSync(parent, 0o000);
    const { code, stdout } = await desk.run(['enqueue', dir], user);
    expect(code).toBe(0);
    expect(stdout).toContain(`waits: ${dir} may not be read by this user`);
    const retry = await desk.run(['retry'], user);
    expect({ code: retry.code, stdout: retry.stdout }).toEqual({ code: 0, stdout: expect.stringContaining('waits: ') });
    chmodSync(parent, 0o755);
    expect((await desk.run(['retry'], user)).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('because a program has its video open waits until the program closes it', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_SETTLE: '10m' });
    const id = freshId();
    const dir = makeRecording({ name: id });
    const video = openSync(join(dir, 'video.mkv'), 'r+');
    try {
      expect((await desk.run(['enqueue', dir])).code).toBe(0);
      const retry = await desk.run(['retry']);
      expect(retry.code).toBe(0);
      expect(retry.stdout).toContain('video.mkv is still open for writing');
      expect(await queuedOn(desk)).toMatchObject([{ reason: `${dir}: video.mkv is still open for writing` }]);
    } finally {
      closeSync(video);
    }
    // Nobody waits for `settle`: the recorder has said that it is finished.
    utimesSync(join(dir, 'video.mkv'), new Date(), new Date());
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('because a program has its video open is uploaded all the same with --finished', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    const video = openSync(join(dir, 'video.mkv'), 'r+');
    try {
      expect((await desk.run(['enqueue', dir, '--finished'])).code).toBe(0);
      expect((await desk.run(['retry'])).code).toBe(0);
    } finally {
      closeSync(video);
    }
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('and was moved behind a link leaves the queue once it is uploaded', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    await desk.run(['enqueue', dir]);
    const moved = join(tempDir(), id);
    renameSync(dir, moved);
    symlinkSync(moved, dir);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(await queuedOn(desk)).toEqual([]);
  });

  test('gets the ID of a sidecar that appears later', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ files: { 'recording.json': '{"reco' } });
    expect((await desk.run(['enqueue', dir])).code).toBe(0);
    writeFileSync(join(dir, 'recording.json'), JSON.stringify({ recording_id: Number(id) }));
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(await queuedOn(desk)).toEqual([]);
  });
});
