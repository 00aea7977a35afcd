import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { queuedOn } from '../support/queued.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWorker, until } from '../watch/support.ts';

/* `idPrefix`: recorders that count from 1 give no two recordings the same ID. */

const sandbox = await openSandbox({ receiver: { users: 'any' } });
const prefixed = (env: NodeJS.ProcessEnv = {}) => openDesk(sandbox, { RECORDUPLOAD_ID_PREFIX: 'studio-a-', ...env });
const keysOf = (id: string) => sandbox.s3.objects().filter(({ key }) => key.startsWith(`${id}/`)).length;

test('stands before the IDs of upload, status, history, verify and retry', async () => {
  const desk = prefixed();
  const name = freshId();
  const id = `studio-a-${name}`;
  const dir = makeRecording({ name });
  const { result } = readJson(await desk.run(['upload', dir, '--json']));
  expect(JSON.stringify(result)).toContain(`"recordingId":"${id}"`);
  expect([keysOf(id) > 0, keysOf(name)]).toEqual([true, 0]);
  expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([201]);
  expect((await desk.run(['status', id])).code).toBe(0);
  expect((await desk.run(['webhook', 'history', id])).code).toBe(0);
  expect((await desk.run(['verify', dir])).stdout).toContain(id);
  // Again: it is the same recording, of which nothing is missing.
  expect((await desk.run(['upload', dir])).stdout).toContain(`${id}`);
  expect((await desk.run(['retry'])).code).toBe(0);
});

test('stands before an ID of the sidecar, never twice, and never before one of --id', async () => {
  const desk = prefixed();
  const root = tempDir();
  const make = (name: string, files = {}) => makeRecording({ parent: root, name, files });
  const idOf = async (...args: string[]) => {
    const { result } = readJson(await desk.run(['upload', '--dry-run', '--json', ...args]));
    return JSON.stringify(result).match(/"recordingId":"([^"]+)"/)?.[1];
  };
  expect(await idOf(make('meeting', { 'recording.json': '{"recording_id": 7}' }))).toBe('studio-a-7');
  expect(await idOf(make('studio-a-8'))).toBe('studio-a-8');
  expect(await idOf(make('other', { 'recording.json': '{"recording_id": "studio-a-9"}' }))).toBe('studio-a-9');
  expect(await idOf(make('10'), '--id', '10')).toBe('10');
});

test('stands before the IDs of folders that wait or are refused', async () => {
  const desk = prefixed();
  const [waits, refused] = [freshId(), freshId()];
  const unfinished = makeRecording({ name: waits, files: { 'video.mkv': null } });
  expect((await desk.run(['enqueue', unfinished])).stdout).toContain(`studio-a-${waits}: enqueued`);
  const empty = makeRecording({ name: refused, files: { 'video.mkv': '' } });
  expect((await desk.run(['upload', empty, '--wait', '0'])).code).toBe(3);
  expect(await queuedOn(desk)).toMatchObject([{ recordingId: `studio-a-${waits}` }]);
  expect((await desk.run(['status', `studio-a-${refused}`])).stdout).toContain('refused');
});

test('stands before the IDs of what the worker finds', async () => {
  const name = freshId();
  const worker = await startWorker(sandbox, { env: { RECORDUPLOAD_ID_PREFIX: 'studio-a-' } });
  makeRecording({ parent: worker.root, name });
  await until('it is announced', () => webhooksOf(sandbox, `studio-a-${name}`).length > 0);
  expect(keysOf(name)).toBe(0);
});

test('leaves the ID valid, or the folder is refused', async () => {
  const desk = prefixed();
  const long = makeRecording({ name: 'x'.repeat(60) });
  const { code, stderr } = await desk.run(['upload', long]);
  expect(code).toBe(3);
  expect(stderr).toContain('the folder’s name, behind idPrefix: "studio-a-xxxx');
  expect(stderr).toContain('make it or idPrefix shorter, or give an ID with --id');
  expect((await desk.run(['upload', long, '--id', '77', '--dry-run'])).code).toBe(0);
  writeFileSync(join(desk.cwd, '.recorduploadrc'), 'idPrefix: 12\n');
  const shown = await desk.run(['config', 'show'], { env: { RECORDUPLOAD_ID_PREFIX: '' } });
  expect(shown.stdout).toMatch(/idPrefix\s+12/);
  for (const bad of ['studio a-', '-a', '.a', 'a..', 'a/b', 'x'.repeat(33)]) {
    const refused = await desk.run(['status'], { env: { RECORDUPLOAD_ID_PREFIX: bad } });
    expect([bad, refused.code, refused.stderr]).toEqual([
      bad,
      2,
      expect.stringContaining('RECORDUPLOAD_ID_PREFIX: expected up to 32 letters, digits, ".", "_" and "-"'),
    ]);
  }
});
