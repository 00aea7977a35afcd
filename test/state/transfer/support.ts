import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordingId } from '../../../src/core/recording/recording.ts';
import { type Database, openDatabase } from '../../../src/state/sqlite/database.ts';
import { stateOver } from '../../../src/state/sqlite/sqlite-state.ts';
import type { State } from '../../../src/state/state.ts';
import type { KnownBeside, KnownOfRecording } from '../../../src/state/transfer/known.ts';
import type { Transfer } from '../../../src/state/transfer/transfer.ts';
import {
  ATTEMPT,
  claimAll,
  enqueue,
  FACTS,
  HOUR,
  NOW,
  OBJECT,
  PID,
  part,
  RECORDING,
  TARGET,
  UPLOAD,
} from '../conformance/facts.ts';
import { afterTest } from '../sqlite/support.ts';

/** A SQLite state in a folder of its own. */
export async function openSqlite(): Promise<{ database: Database; state: State; dir: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'recordupload-transfer-'));
  afterTest(() => rmSync(dir, { recursive: true, force: true }));
  const database = await openDatabase(dir);
  afterTest(() => database.close());
  return { database, state: stateOver(database, { pid: PID, stateDir: dir }), dir };
}

const refOf = (id: string) => ({ target: TARGET, recordingId: id as RecordingId });

/** Something of each kind that a state may know. */
export async function fill(state: State): Promise<void> {
  const { journal, queue, outbox, endpoints, localFiles, housekeeping, alerts } = state;
  const begin = (id: string) =>
    journal.begin(
      TARGET,
      { ...RECORDING, id: id as RecordingId, dir: `/recordings/${id}` },
      { webhooks: true, now: NOW },
    );
  // Done, with a history of deliveries.
  await begin('done');
  await journal.fileUploaded({ ...refOf('done'), name: 'video.mkv' }, FACTS, OBJECT, {
    now: NOW,
    sentBytes: 20_000_000,
  });
  await journal.finish(refOf('done'), {
    state: 'done',
    error: null,
    sent: true,
    metadata: { text: '{"title":"Ä \\ud83d"}', etag: 'm-1' },
    webhook: { endpoints: ['default', 'backup'], payload: '{"a":1}', contentHash: 'h1' },
    now: NOW + 10,
  });
  for (const claimed of await claimAll(state, NOW + 20))
    await state.claims.settle({ delivery: claimed, now: NOW + 30, attempt: ATTEMPT, next: { state: 'delivered' } });
  for (const [index, title] of ['first', 'second', 'third'].entries())
    await enqueue(state, 'done', { title, now: NOW + HOUR + index });
  await localFiles.note(refOf('done'), { text: 'kept' });
  // Interrupted, with an open upload.
  await begin('partial');
  await journal.beginUpload(refOf('partial'), UPLOAD, [1, 2, 3].map(part), NOW);
  await journal.fileFailed(
    { ...refOf('partial'), name: 'thumbnail.jpg' },
    { ...FACTS, role: 'thumbnail' },
    'broke',
    NOW,
  );
  await journal.finish(refOf('partial'), { state: 'partial', error: 'broke', now: NOW + 5 });
  // Still being recorded.
  await journal.beginLive(TARGET, { ...RECORDING, id: 'live' as RecordingId, dir: '/recordings/live' }, { now: NOW });
  await journal.release(refOf('live'));
  // Only a webhook, which is held; and one that was pruned.
  await enqueue(state, 'announced', { hold: 'no-email' });
  await enqueue(state, 'pruned', { now: NOW - 100 * HOUR });
  for (const claimed of await claimAll(state, NOW - 100 * HOUR))
    await state.claims.settle({
      delivery: claimed,
      now: NOW - 99 * HOUR,
      attempt: ATTEMPT,
      next: { state: 'delivered' },
    });
  await housekeeping.prune({ settledBefore: NOW - 50 * HOUR, now: NOW, dryRun: false });
  await outbox.discard('nothing', { now: NOW });
  const asked = { webhook: true, force: false, finished: false };
  await queue.add([{ dir: '/recordings/next', recordingId: 'next', origin: 'enqueued', asked }], NOW);
  await endpoints.disable('backup', 'answered 410', NOW);
  const cause = { key: 'held', event: 'held' as const, text: 'a webhook is held', count: 1 };
  await alerts.note({ id: 'mail', on: ['held'] }, [cause], () => '{"text":"held"}', NOW);
}

/** All that a state gives. */
export async function everything(transfer: Transfer): Promise<{ recordings: KnownOfRecording[]; beside: KnownBeside }> {
  const recordings: KnownOfRecording[] = [];
  // Pages of two, so that there are several.
  for (let after = ''; ; ) {
    const ids = await transfer.ids(after, 2);
    for (const id of ids) recordings.push(await transfer.read(id));
    if (ids.length < 2) break;
    after = ids.at(-1)!;
  }
  return { recordings, beside: await transfer.readBeside() };
}

/** Copies everything. */
export async function copy(from: Transfer, to: Transfer): Promise<void> {
  const { recordings, beside } = await everything(from);
  for (const known of recordings) await to.take(known, { prefer: 'newer', now: NOW });
  await to.takeBeside(beside, 'test', NOW);
}
