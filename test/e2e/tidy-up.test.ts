import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from '@jest/globals';
import { type Desk, openDesk, openSandbox, readJson } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { QUICK, startWorker } from '../watch/support.ts';

/* What each pass of the worker and of `retry` tidies up once a day, beside local files. */

const sandbox = await openSandbox();
afterEach(() => sandbox.faults.clear());

const DAY_MS = 86_400_000;
const times = Number.POSITIVE_INFINITY;
const answer = { status: 403, code: 'AccessDenied' };

/** A state with webhooks that were delivered 91 days ago, and an upload that was abandoned eight days ago. */
async function dusty(): Promise<{ desk: Desk; key: string }> {
  const desk = openDesk(sandbox, QUICK);
  const id = freshId();
  const key = `${id}/video.mkv`;
  const dir = makeRecording({ name: id, videoBytes: 17_000_000 });
  sandbox.faults.add({ server: 's3', operation: 'CompleteMultipartUpload', times, action: { answer } });
  expect((await desk.run(['upload', dir])).code).toBe(4);
  sandbox.faults.clear();
  writeFileSync(join(dir, 'video.mkv'), Buffer.alloc(17_000_001, 'x'));
  sandbox.faults.add({ server: 's3', operation: 'AbortMultipartUpload', times, action: { answer } });
  expect((await desk.run(['upload', dir])).code).toBe(0);
  sandbox.faults.clear();
  expect(uploadsOf(key)).toHaveLength(1);
  const db = new DatabaseSync(join(desk.stateDir, 'state.db'));
  db.exec(`UPDATE begun_uploads SET begun_at = begun_at - ${8 * DAY_MS}`);
  db.exec(`UPDATE deliveries SET settled_at = settled_at - ${91 * DAY_MS}`);
  db.close();
  eightDaysLater();
  return { desk, key };
}

/** The store's clock is that far ahead. */
const eightDaysLater = () => sandbox.faults.add({ server: 's3', times, action: { clockSkewMs: 8 * DAY_MS } });

const uploadsOf = (key: string) => sandbox.s3.uploads().filter(one => one.key === key);

/** As if the last tidying up had been a day ago. */
function aDayLater({ stateDir }: Desk): void {
  const db = new DatabaseSync(join(stateDir, 'state.db'));
  db.exec(`UPDATE successes SET at = at - ${DAY_MS} WHERE name IN ('tidied', 'tidying')`);
  db.close();
}

test('retry removes old webhooks and abandoned uploads, says so, and does it once a day', async () => {
  const { desk, key } = await dusty();
  const first = await desk.run(['retry']);
  expect(first).toMatchObject({ code: 0 });
  expect(first.stdout).toMatch(/^removed 2 old delivered webhooks from the state$/m);
  expect(first.stdout).toMatch(/^removed 1 abandoned upload \(\d+\.?\d* MB\) from the bucket$/m);
  expect(uploadsOf(key)).toEqual([]);
  expect(desk.log()).toContain('state pruned');
  const asked = sandbox.s3.requests().length;
  expect((await desk.run(['retry'])).stdout).toBe('nothing to do: no unfinished upload, no webhook that is due\n');
  aDayLater(desk);
  expect((await desk.run(['retry'])).stdout).toBe('nothing to do: no unfinished upload, no webhook that is due\n');
  // Nothing that was begun long ago is left: the bucket is not asked.
  expect(sandbox.s3.requests()).toHaveLength(asked);
});

test('a bucket that cannot be asked changes nothing about the exit status, and is asked again later', async () => {
  const { desk, key } = await dusty();
  sandbox.faults.clear();
  sandbox.faults.add({ server: 's3', operation: 'ListMultipartUploads', times, action: { answer } });
  const { result } = readJson<{ tidied: object }>(await desk.run(['retry', '--json']));
  expect(result.tidied).toMatchObject({
    webhooks: 2,
    abandonedUploads: [],
    problems: [expect.stringMatching(/^abandoned uploads were not looked for: .*AccessDenied/)],
  });
  expect(uploadsOf(key)).toHaveLength(1);
  sandbox.faults.clear();
  eightDaysLater();
  const soon = readJson<{ tidied: null }>(await desk.run(['retry', '--json']));
  expect(soon.result.tidied).toBeNull();
  aDayLater(desk);
  const later = readJson<{ tidied: object }>(await desk.run(['retry', '--json']));
  expect(later.result.tidied).toEqual({
    webhooks: 0,
    freedBytes: 0,
    abandonedUploads: [{ key, uploadId: expect.any(String) }],
    problems: [],
  });
});

test('a retry of one recording, or to one endpoint, tidies nothing up', async () => {
  const { desk, key } = await dusty();
  const [id = ''] = key.split('/');
  expect((await desk.run(['retry', id])).stdout).not.toContain('removed');
  expect((await desk.run(['retry', '--endpoint', 'default'])).stdout).not.toContain('removed');
  expect(uploadsOf(key)).toHaveLength(1);
});

test('the worker does it by itself; one that starts again leaves it to the next day', async () => {
  const { desk, key } = await dusty();
  const worker = await startWorker(sandbox, { desk });
  await worker.prints('removed 2 old delivered webhooks from the state');
  await worker.prints('removed 1 abandoned upload');
  expect(uploadsOf(key)).toEqual([]);
  await worker.stop();
  expect(desk.log()).toContain('state pruned');
  const again = readJson<{ tidied: null }>(await desk.run(['retry', '--json']));
  expect(again.result.tidied).toBeNull();
});
