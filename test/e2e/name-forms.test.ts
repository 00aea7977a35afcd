import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from '@jest/globals';
import { namesIn } from '../local/support.ts';
import { type Desk, openDesk, openSandbox, sentBytes, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { moveIn, QUICK, startWorker, until } from '../watch/support.ts';

/* macOS writes é as e and an accent (NFD), others as one character (NFC): a file has one key, whoever wrote its name. */

const NFC = 'Pr\u00e4sentation \u00e9t\u00e9.pdf';
const NFD = NFC.normalize('NFD');
const sandbox = await openSandbox({ receiver: { users: 'any' } });
afterEach(() => sandbox.faults.clear());

const keysOf = (id: string) => sandbox.s3.objects().flatMap(({ key }) => (key.startsWith(`${id}/`) ? [key] : []));
const extraKeys = (id: string) => keysOf(id).filter(key => key.endsWith('.pdf'));
const openExtra = (env: NodeJS.ProcessEnv = {}) => openDesk(sandbox, { RECORDUPLOAD_EXTRA_FILES: NFC, ...env });

/** A folder with an extra file of this name. */
function folderWith(name: string, id = freshId()): { dir: string; id: string } {
  const dir = makeRecording({ name: id });
  writeFileSync(join(dir, name), 'slides');
  return { dir, id };
}

/** As if an earlier version had uploaded the recording, which stored the name as the folder has it. */
async function uploadedBefore(desk: Desk): Promise<{ dir: string; id: string }> {
  const { dir, id } = folderWith(NFC);
  expect(await desk.run(['upload', dir])).toMatchObject({ code: 0 });
  const state = new DatabaseSync(join(desk.stateDir, 'state.db'));
  state.prepare('UPDATE files SET name = $nfd WHERE name = $nfc').run({ nfd: NFD, nfc: NFC });
  state.close();
  return { dir, id };
}

describe('a name in NFD', () => {
  test.each([
    ['NFC', 'NFD', NFC, NFD],
    ['NFD', 'NFC', NFD, NFC],
    ['NFD', 'NFD', NFD, NFD],
  ])(
    'configured as %s and on the disk as %s has its key, its links and its checks in NFC',
    async (_c, _d, glob, name) => {
      const desk = openExtra({ RECORDUPLOAD_EXTRA_FILES: glob });
      const { dir, id } = folderWith(name);
      expect(await desk.run(['upload', dir])).toMatchObject({ code: 0 });
      expect(extraKeys(id)).toEqual([`${id}/${NFC}`]);
      const body = JSON.stringify(webhooksOf(sandbox, id)[0]?.body);
      expect(body).toContain(encodeURIComponent(NFC));
      expect(body).not.toContain(encodeURIComponent(NFD));
      expect(body).not.toContain(NFD);
      expect(await desk.run(['verify', dir])).toMatchObject({ code: 0 });
      // The same folder on another machine, in the other form: nothing is sent again.
      const other = name === NFC ? NFD : NFC;
      renameSync(join(dir, name), join(dir, other));
      sandbox.s3.resetRequests();
      expect(await openExtra().run(['upload', dir])).toMatchObject({ code: 0 });
      expect(extraKeys(id)).toEqual([`${id}/${NFC}`]);
      expect(sentBytes(sandbox, id)[`${id}/${NFC}`]).toBeUndefined();
      expect(await desk.run(['verify', dir, '--full'])).toMatchObject({ code: 0 });
    },
  );

  test('is there in both forms: one line, and nothing is sent', async () => {
    const { dir, id } = folderWith(NFC);
    writeFileSync(join(dir, NFD), 'other slides');
    const { code, stderr } = await openExtra().run(['upload', dir]);
    expect([code, stderr.match(/has two files of one name/g)]).toEqual([3, ['has two files of one name']]);
    expect(keysOf(id)).toEqual([]);
  });

  test('is removed with the others once all has arrived', async () => {
    const desk = openExtra({ RECORDUPLOAD_DELETE_AFTER: '0s' });
    const { dir } = folderWith(NFD);
    expect(await desk.run(['upload', dir])).toMatchObject({ code: 0 });
    await desk.run(['retry']);
    expect(namesIn(dir)).toEqual([]);
  });

  test('keeps a folder in which a second file has its name in the other form', async () => {
    const desk = openExtra({ RECORDUPLOAD_DELETE_AFTER: '0s' });
    const { dir } = folderWith(NFD);
    expect(await desk.run(['upload', dir])).toMatchObject({ code: 0 });
    writeFileSync(join(dir, NFC), 'other slides');
    await desk.run(['retry']);
    expect(namesIn(dir)).toContain('video.mkv');
  });

  test('is no change for a worker, nor is a marker in the other form unknown to it', async () => {
    const marker = 'f\u00e9rtig';
    const env = { ...QUICK, RECORDUPLOAD_WATCH_MARKER: marker };
    const desk = openExtra(env);
    const worker = await startWorker(sandbox, { desk });
    const { dir: ready, id } = folderWith(NFD);
    writeFileSync(join(ready, marker.normalize('NFD')), '');
    renameSync(ready, join(worker.root, id));
    await until('it is delivered', () => webhooksOf(sandbox, id).length > 0);
    await worker.stop();
    const again = await startWorker(sandbox, { desk });
    const next = moveIn(again.root);
    writeFileSync(join(next, marker), '');
    await until('the next one is delivered', () => webhooksOf(sandbox, next.split('/').at(-1)!).length > 0);
    await again.stop();
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });
});

test('what an earlier version stored in NFD keeps its key', async () => {
  const desk = openExtra();
  const { dir, id } = await uploadedBefore(desk);
  writeFileSync(join(dir, NFC), 'slides, corrected');
  expect(await desk.run(['upload', dir])).toMatchObject({ code: 0 });
  expect(extraKeys(id)).toContain(`${id}/${NFD}`);
  expect(sandbox.s3.objects().find(({ key }) => key === `${id}/${NFD}`)).toMatchObject({ size: 17 });
  expect(await desk.run(['verify', dir])).toMatchObject({ code: 0 });
});
