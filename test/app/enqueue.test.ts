import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { enqueue } from '../../src/app/enqueue.ts';
import { openRuntime } from '../../src/app/runtime.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

test('a folder on a drive that does not respond is taken, and waits; the others are looked at', async () => {
  const { config } = await loadConfig({ cwd: tempDir(), env: { HOME: tempDir() } });
  const options = { env: {}, userAgent: 'test', uploadSource: 'test' };
  await using runtime = openRuntime(config, options);
  const dead = join(tempDir(), 'dead');
  const good = makeRecording();
  // What a dead network drive does to whoever looks at it cannot be had on every machine.
  const firstLook = (path: string) => (path === dead ? new Promise<never>(() => {}) : runtime.firstLook(path));
  const { folders } = await enqueue({ dirs: [dead, good] }, { ...runtime, firstLook });
  expect(folders).toMatchObject([
    { ok: true, dir: good },
    { ok: true, dir: dead, recordingId: 'dead', waitsFor: { message: `${dead} did not respond within 2.0 s` } },
  ]);
  const { queue } = await runtime.state();
  expect((await queue.list()).map(({ dir }) => dir).sort()).toEqual([dead, good].sort());
});
