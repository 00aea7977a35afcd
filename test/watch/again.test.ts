import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { startWorker, until } from './support.ts';

/*
 * Folders that come again under a name that was listened to. `until` waits for 20 s, the look at everything comes after
 * 60 s: so it is the system's news by which they are found.
 */

/** Until the system has told of a change, and the worker has heard it. */
const NOTICED_MS = 1_500;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ receiver: { users: 'any' } });
});
afterAll(() => sandbox.close());

/** Puts a recording there, file by file, and waits until the server was told of it. */
async function finds(parent: string, name: string): Promise<void> {
  const before = sandbox.receiver.recording(name)?.received ?? 0;
  makeRecording({ parent, name, files: { 'transcript.txt': `Take ${before + 1}.\n`.repeat(10_000 * (before + 1)) } });
  await until(`${parent}/${name} is found`, () => (sandbox.receiver.recording(name)?.received ?? 0) > before);
}

test('a folder that was removed and made again is found at once, and what comes below it, too', async () => {
  const { root, stop } = await startWorker(sandbox);
  const [id, below, other] = [freshId(), freshId(), freshId()];
  await finds(root, id);
  rmSync(join(root, id), { recursive: true });
  await sleep(NOTICED_MS);
  await finds(root, id);

  const room = join(root, 'today', 'room');
  await finds(room, below);
  renameSync(join(root, 'today'), join(root, '..', 'yesterday'));
  await sleep(NOTICED_MS);
  await finds(room, other);
  expect(await stop()).not.toContain('warning: looking');
}, 90_000);

test('in a root that another folder has replaced, what comes later is found at once', async () => {
  const { root, stop, prints } = await startWorker(sandbox);
  await finds(root, freshId());
  renameSync(root, `${root}-before`);
  await prints('is not there');
  mkdirSync(root);
  await prints('is there now');
  await sleep(NOTICED_MS);
  await finds(root, freshId());
  await finds(root, freshId());
  expect(await stop()).not.toContain('warning: looking');
}, 90_000);
