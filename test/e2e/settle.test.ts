import { appendFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { makeOld } from '../support/make-old.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

const sandbox = await openSandbox({ receiver: { users: 'any' } });

/** A recording whose video was written just now. */
function freshRecording(): { id: string; dir: string; video: string } {
  const id = freshId();
  const dir = makeRecording({ name: id });
  const video = join(dir, 'video.mkv');
  utimesSync(video, new Date(), new Date());
  return { id, dir, video };
}

test('a recording that was written a moment ago is waited for, and that is said', async () => {
  const { id, dir } = freshRecording();
  const desk = openDesk(sandbox);
  const { code, stderr } = await desk.run(['upload', dir], { env: { RECORDUPLOAD_SETTLE: '1.5s' } });
  expect(code).toBe(0);
  expect(stderr).toMatch(/video\.mkv was written \d\.\d s ago; waiting until nobody has written to it for 1\.5 s/);
  expect(desk.log()).toContain('waiting for the recorder');
  expect(webhooksOf(sandbox, id)).toHaveLength(1);
});

test('what the recorder writes meanwhile is uploaded, too', async () => {
  const { id, dir, video } = freshRecording();
  const desk = openDesk(sandbox, { RECORDUPLOAD_SETTLE: '1s' });
  const run = desk.start(['upload', dir, '--progress', 'plain', '--duration', '10']);
  await run.prints('waiting until nobody');
  appendFileSync(video, 'the end');
  const { code } = await run.result;
  expect(code).toBe(0);
  expect((await sandbox.s3.read(`${id}/video.mkv`)).subarray(-7).toString()).toBe('the end');
});

test('--no-wait refuses it with exit status 3; its advice, --finished, uploads it', async () => {
  const { id, dir } = freshRecording();
  const desk = openDesk(sandbox, { RECORDUPLOAD_SETTLE: '1h' });
  const refused = await desk.run(['upload', dir, '--no-wait']);
  expect(refused.code).toBe(3);
  expect(refused.stderr).toMatch(/video\.mkv was written .* ago: the recording may not be finished \(.*--finished/);
  expect(sandbox.s3.objects().filter(({ key }) => key.startsWith(`${id}/`))).toEqual([]);
  expect((await desk.run(['upload', dir, '--finished'])).code).toBe(0);
});

test('the other advice, to run it again later, uploads it as well; a wait that ends is refused', async () => {
  const { dir } = freshRecording();
  const desk = openDesk(sandbox, { RECORDUPLOAD_SETTLE: '1h' });
  const refused = await desk.run(['upload', dir, '--wait', '200ms']);
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain('is still being written after 0.2 s');
  makeOld(dir);
  expect((await desk.run(['upload', dir, '--no-wait'], { env: { RECORDUPLOAD_SETTLE: '3s' } })).code).toBe(0);
});

test('a time stamp in the future costs no more than the usual wait', async () => {
  const { dir, video } = freshRecording();
  utimesSync(video, new Date('2090-01-01'), new Date('2090-01-01'));
  const desk = openDesk(sandbox, { RECORDUPLOAD_SETTLE: '500ms' });
  const { code, stderr } = await desk.run(['upload', dir]);
  expect(code).toBe(0);
  expect(stderr).toContain('video.mkv has a time stamp in the future; waiting');
});

test('--dry-run waits for nobody, and says that upload would', async () => {
  const { dir } = freshRecording();
  const desk = openDesk(sandbox, { RECORDUPLOAD_SETTLE: '1h' });
  const { code, stderr } = await desk.run(['upload', dir, '--dry-run']);
  expect(code).toBe(0);
  expect(stderr).toMatch(/video\.mkv was written .* ago: upload waits until nobody has written to it for 1 h/);
  makeOld(dir);
  const settled = await desk.run(['upload', dir, '--dry-run'], { env: { RECORDUPLOAD_SETTLE: '3s' } });
  expect(settled.stderr).toBe('');
});

test('--wait that is no duration is refused', async () => {
  const { code, stderr } = await openDesk(sandbox).run(['upload', 'x', '--wait', 'long']);
  expect(code).toBe(2);
  expect(stderr).toContain('--wait: "long" is not a duration (for example --wait 10m)');
});
