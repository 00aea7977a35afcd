import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { EMAIL, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { makeOld } from '../support/make-old.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { shownCommand } from '../support/shown-command.ts';

const sandbox = await openSandbox({ receiver: { users: 'any' } });

interface Status {
  counts: { refused: number };
  refused: { dir: string; recordingId: string; error: string; hint: string | null }[];
  alarms: { kind: string; count: number }[];
}

/** A recording whose video has a name that nobody knows. */
function withoutVideo(): { id: string; dir: string; mend(): void } {
  const id = freshId();
  const dir = makeRecording({ name: id });
  renameSync(join(dir, 'video.mkv'), join(dir, 'GX01.MKV'));
  return { id, dir, mend: () => renameSync(join(dir, 'GX01.MKV'), join(dir, 'video.mkv')) };
}

describe('a folder that was refused', () => {
  test('is in the log and in the status with reason and next step; retry looks at it again', async () => {
    const desk = openDesk(sandbox);
    const { id, dir, mend } = withoutVideo();
    expect((await desk.run(['upload', dir, '--title', 'Weekly'])).code).toBe(3);
    expect(desk.log()).toContain('upload refused');

    const status = await desk.run(['status']);
    expect(status.code).toBe(3);
    expect(status.stdout).toContain('1 refused');
    expect(status.stdout).toContain(`${dir} has no video`);
    expect(status.stdout).toContain('next: rename GX01.MKV to video.MKV');
    expect(status.stdout).toContain('next: recordupload retry');
    const { result } = readJson<Status>(await desk.run(['status', '--json']));
    expect(result.counts.refused).toBe(1);
    expect(result.alarms).toEqual([{ kind: 'refused', count: 1 }]);
    expect(result.refused).toMatchObject([{ dir, recordingId: id, error: `${dir} has no video` }]);
    expect((await desk.run(['status', id])).stdout).toContain('has no video');
    expect((await desk.run(['status', '--quiet'])).stderr).toContain('1 folder refused');
    expect((await desk.run(['status', '--max-age', '1h'])).code).toBe(0);
    expect((await desk.run(['retry', '--list'])).stdout).toContain('has no video');

    const again = await desk.run(['retry']);
    expect(again.code).toBe(3);
    expect(again.stdout).toContain('has no video');

    mend();
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).map(({ body }) => body.title)).toEqual(['Weekly']);
    expect((await desk.run(['status'])).code).toBe(0);
  });

  test('is no longer listed once an upload of it succeeds', async () => {
    const desk = openDesk(sandbox);
    const { dir, mend } = withoutVideo();
    expect((await desk.run(['upload', dir])).code).toBe(3);
    mend();
    expect((await desk.run(['upload', dir])).code).toBe(0);
    const status = await desk.run(['status']);
    expect(status.code).toBe(0);
    expect(status.stdout).not.toContain('refused');
  });

  test('because it was still being written is uploaded by retry', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_SETTLE: '10m' });
    const id = freshId();
    const dir = makeRecording({ name: id });
    expect((await desk.run(['upload', dir, '--no-wait'])).code).toBe(3);
    makeOld(dir);
    expect((await desk.run(['retry', id], { env: { RECORDUPLOAD_SETTLE: '3s' } })).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('among others does not stop them, and a second folder of the same ID is one', async () => {
    const desk = openDesk(sandbox);
    const [good, bad] = [freshId(), freshId()];
    const root = join(makeRecording({ name: good }), '..');
    makeRecording({ name: bad, parent: root, files: { 'recording.json': `{"recording_id": ${good}}` } });
    expect((await desk.run(['upload', '--recursive', root])).code).toBe(3);
    const { result } = readJson<Status>(await desk.run(['status', '--json']));
    expect(result.refused).toHaveLength(1);
    sandbox.s3.resetRequests();
    const again = await desk.run(['retry']);
    expect(again.code).toBe(3);
    expect(again.stdout).toContain(`it is recording ${good}, and so is`);
    expect(sandbox.s3.requests()).toEqual([]);
  });

  test('and is gone is said once, and then forgotten; one that never was is not listed', async () => {
    const desk = openDesk(sandbox);
    const { dir } = withoutVideo();
    await desk.run(['upload', dir]);
    rmSync(dir, { recursive: true });
    expect((await desk.run(['retry'])).stdout).toContain(`${dir} does not exist`);
    expect((await desk.run(['status'])).code).toBe(0);
    expect((await desk.run(['upload', join(desk.cwd, 'mistyped')])).code).toBe(3);
    expect((await desk.run(['status'])).code).toBe(0);
    expect(desk.log().filter(line => line === 'upload refused')).toHaveLength(3);
    mkdirSync(dir);
  });
});

describe('a webhook that cannot be sent yet does not keep the files from being uploaded', () => {
  const filesOf = (id: string) => sandbox.s3.objects().filter(({ key }) => key.startsWith(`${id}/`));

  test('without a token it waits; retry sends it once there is one', async () => {
    const desk = openDesk(sandbox);
    const without = { env: { WEBHOOK_TOKEN: undefined } };
    const id = freshId();
    const { code, stdout } = await desk.run(['upload', makeRecording({ name: id })], without);
    expect(code).toBe(0);
    expect(filesOf(id)).toHaveLength(4);
    expect(stdout).toContain('webhook pending: endpoint default has no token: set WEBHOOK_TOKEN or webhook.tokenFile');
    expect(webhooksOf(sandbox, id)).toEqual([]);
    const status = await desk.run(['status'], without);
    expect(status.stdout).toContain('1 waiting');
    expect(status.stdout).toContain('endpoint default has no token');
    await desk.run(['retry', '--now'], without);
    expect(webhooksOf(sandbox, id)).toEqual([]);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([201]);
  });

  test.each([[['retry']], [['retry', '--held']]])(
    'without an e-mail address it is held; %j sends it then',
    async line => {
      const desk = openDesk(sandbox);
      const without = { env: { RECORDUPLOAD_USER_EMAIL: undefined } };
      const id = freshId();
      const dir = makeRecording({ name: id });
      const { code, stdout } = await desk.run(['upload', dir], without);
      expect(code).toBe(0);
      expect(filesOf(id)).toHaveLength(4);
      expect(stdout).toContain('webhook held: no e-mail address to tell the server: set user.email');
      const status = await desk.run(['status'], without);
      expect(status.code).toBe(5);
      expect(status.stdout).toContain('no e-mail address to tell the server');
      await desk.run(['retry', '--held'], without);
      expect(webhooksOf(sandbox, id)).toEqual([]);
      expect((await desk.run(line)).code).toBe(0);
      expect(webhooksOf(sandbox, id)).toMatchObject([{ status: 201, body: { user_info: { email: EMAIL } } }]);
      expect((await desk.run(['status'])).code).toBe(0);
    },
  );

  test('so does webhook send --email, and another upload', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_USER_EMAIL: undefined });
    const [first, second] = [freshId(), freshId()];
    const dir = makeRecording({ name: second });
    await desk.run(['upload', makeRecording({ name: first }), dir]);
    expect((await desk.run(['webhook', 'send', first, '--email', EMAIL])).code).toBe(0);
    expect((await desk.run(['upload', dir, '--email', EMAIL])).code).toBe(0);
    for (const id of [first, second]) expect(webhooksOf(sandbox, id)).toMatchObject([{ status: 201 }]);
    expect((await desk.run(['status'])).code).toBe(0);
  });

  test('--dry-run says that it would be held', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_USER_EMAIL: undefined });
    const { code, stderr } = await desk.run(['upload', makeRecording(), '--dry-run']);
    expect(code).toBe(0);
    expect(stderr).toContain('no e-mail address to tell the server');
  });
});

test.each([
  ['the folder above the recordings', (dir: string) => dirname(dir)],
  ['a folder further above', (dir: string) => dirname(dirname(dir))],
  ['a file of it', (dir: string) => join(dir, 'video.mkv')],
])('%s is a slip: nothing of it stays in the state', async (_, named) => {
  const desk = openDesk(sandbox);
  const id = freshId();
  const month = join(dirname(makeRecording({ name: 'unused' })), 'by year', '2026');
  mkdirSync(month, { recursive: true });
  const dir = join(month, id);
  renameSync(makeRecording({ name: id }), dir);
  rmSync(join(month, '../../unused'), { recursive: true });
  const slip = await desk.run(['upload', named(dir)]);
  expect(slip.code).toBe(3);
  expect(desk.log()).toContain('upload refused');
  expect((await desk.run(['status'])).code).toBe(0);
  expect((await desk.run(['retry'])).code).toBe(0);
  expect(readJson<Status>(await desk.run(['status', '--json'])).result.counts.refused).toBe(0);
  const folder = /name the folder that holds it: (.*)\)/.exec(slip.stderr)?.[1];
  const next = folder === undefined ? shownCommand(slip.stderr, 'to upload all of them: ') : ['upload', folder];
  expect(await desk.run(next)).toMatchObject({ code: 0 });
  expect(webhooksOf(sandbox, id)).toHaveLength(1);
});
