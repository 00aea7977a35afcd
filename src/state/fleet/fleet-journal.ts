import type { Enqueued } from '../../core/delivery/outbox.ts';
import { AppError } from '../../core/errors.ts';
import type { RecordingId } from '../../core/recording/recording.ts';
import type { UploadEnd, UploadJournal } from '../../core/upload/journal.ts';
import type { BeginLiveResult, BeginResult, LiveLeft } from '../../core/upload/live-journal.ts';
import type { RecordingRef } from '../../core/upload/parts-journal.ts';
import { toDelivery } from '../rows.ts';
import type { State } from '../state.ts';
import type { TakenRecording } from '../transfer/import.ts';
import type { BringOver } from './bring-over.ts';
import { isAway, type Remote } from './remote.ts';
import { waitsForDatabase, writeShared } from './shared-folders.ts';
import type { Spool } from './spool.ts';

export interface FleetDeps {
  spool: Spool;
  /** The ports over the machine's own SQLite file. */
  local: State;
  remote: Remote;
  bringOver: BringOver;
  /** Other machines see the folders of this one. */
  sharedFolders: boolean;
  /** Recordings that this process has ended its work at while the database was away: there, it still has them. */
  unreleased: Map<string, RecordingRef>;
  /** Milliseconds since 1970. */
  now(): number;
}

/**
 * The journal of uploads over both databases. An upload is written to this machine's file first, then to the fleet's
 * database; once that has failed for a recording, only to the file, until the end of the upload brings all of it over.
 * So an upload never waits for the database, and what it has come to survives both. With shared folders it has to
 * (shared-folders.ts): then the database knows all that counts.
 */
export function openFleetJournal(deps: FleetDeps): UploadJournal {
  const { spool, local, remote, bringOver, sharedFolders, unreleased, now } = deps;
  const { journal } = local;
  /** Recordings that this process works at; true: the database knows all of it. */
  const mine = new Map<string, boolean>();
  const keyOf = ({ target, recordingId }: RecordingRef) => `${target} ${recordingId}`;

  const fallBehind = async (ref: RecordingRef) => {
    await spool.setAhead(ref.recordingId, { now: now() });
    mine.set(keyOf(ref), false);
  };
  /** Writes to the file, then to the database. */
  const both = async <T>(ref: RecordingRef, write: (journal: UploadJournal) => Promise<T>): Promise<T> => {
    const result = await write(journal);
    if (mine.get(keyOf(ref)) === false) return result;
    if (sharedFolders) await writeShared(remote, ref, ({ state }) => write(state.journal));
    else await remote.use(({ state }) => write(state.journal)).catch(orBehind(ref));
    return result;
  };
  const orBehind = (ref: RecordingRef) => async (error: unknown) => {
    if (!isAway(error)) throw error;
    await fallBehind(ref);
  };
  /** Reads where most is known. */
  const read = async <T>(ref: RecordingRef, ask: (journal: UploadJournal) => Promise<T>): Promise<T> => {
    if (mine.has(keyOf(ref)) || (await spool.isAhead(ref.recordingId))) return await ask(journal);
    return await orLocal(
      () => remote.use(({ state }) => ask(state.journal)),
      () => ask(journal),
    );
  };

  /** Begins in the database, then in the file; without the database, in the file alone. */
  const begin = async <T extends BeginResult | BeginLiveResult>(
    ref: RecordingRef,
    ask: (journal: UploadJournal) => Promise<T>,
  ): Promise<T> => {
    if (await spool.isAhead(ref.recordingId)) {
      await bringOver.recording(ref.recordingId, { patient: true }).catch(error => {
        if (!isAway(error)) throw error;
      });
    }
    try {
      const begun = await remote.use(async ({ state, transfer }) => {
        if (unreleased.has(keyOf(ref))) await state.journal.release(ref);
        unreleased.delete(keyOf(ref));
        const result = await ask(state.journal);
        return { result, known: result.ok ? await transfer.read(ref.recordingId) : undefined };
      });
      if (!begun.known) return begun.result;
      // The token of the copy is the database's. Where another process of this machine works at it, the file says so.
      await spool.copy(begun.known, ref.target, now());
      const result = await ask(journal);
      if (result.ok) mine.set(keyOf(ref), true);
      else await remote.use(({ state }) => state.journal.release(ref)).catch(ignoreAway);
      return result;
    } catch (error) {
      if (!isAway(error)) throw error;
      if (sharedFolders) throw waitsForDatabase(ref.recordingId);
      await spool.setAhead(ref.recordingId, { now: now() });
      const result = await ask(journal);
      if (result.ok) mine.set(keyOf(ref), false);
      return result;
    }
  };

  const finish = async (ref: RecordingRef, end: UploadEnd): Promise<Enqueued[]> => {
    // Noted before: a crash in between leaves something to bring over.
    await spool.setAhead(ref.recordingId, { forced: end.webhook?.force === true, now: now() });
    const queued = await journal.finish(ref, end);
    mine.delete(keyOf(ref));
    try {
      const taken = await bringOver.recording(ref.recordingId, { patient: true });
      if (!taken) return queued.map(spooled);
      const other = taken.others.find(({ target }) => target === ref.target);
      if (other) throw takenOverBy(other.machine, ref.recordingId);
      return queued.map(one => enqueuedAs(one, taken));
    } catch (error) {
      if (!isAway(error)) throw error;
      return queued.map(spooled);
    }
  };

  return {
    async begin(target, recording, options) {
      const ref = { target, recordingId: recording.id };
      const result = await begin(ref, one => one.begin(target, recording, options));
      if (result.ok && mine.get(keyOf(ref)) === false)
        await spool.folderChanged(recording.dir, options.askedAt ?? options.now);
      return result;
    },
    beginLive: (target, recording, options) =>
      begin({ target, recordingId: recording.id }, one => one.beginLive(target, recording, options)),
    finish,
    async release(ref) {
      await journal.release(ref);
      const isHeld = mine.delete(keyOf(ref));
      await remote
        .use(({ state }) => state.journal.release(ref))
        .catch(error => {
          ignoreAway(error);
          if (isHeld) unreleased.set(keyOf(ref), ref);
        });
    },
    async forgetLive(ref) {
      await journal.forgetLive(ref);
      await remote.use(({ state }) => state.journal.forgetLive(ref)).catch(ignoreAway);
    },
    async forget(id, at) {
      if (await spool.isAhead(id)) await bringOver.recording(id, { patient: true });
      const result = await remote.use(({ state }) => state.journal.forget(id, at), { patient: true });
      if (result.ok) await journal.forget(id, at);
      return result;
    },

    recording: ref => read(ref, one => one.recording(ref)),
    file: file => read(file, one => one.file(file)),
    files: ref => read(ref, one => one.files(ref)),
    openUpload: file => read(file, one => one.openUpload(file)),

    amend: (ref, details) => both(ref, one => one.amend(ref, details)),
    beginUpload: (ref, upload, parts, at) => both(ref, one => one.beginUpload(ref, upload, parts, at)),
    addParts: (file, parts) => both(file, one => one.addParts(file, parts)),
    removeParts: (file, numbers) => both(file, one => one.removeParts(file, numbers)),
    fileLookedAt: (file, facts) => both(file, one => one.fileLookedAt(file, facts)),
    dropUpload: file => both(file, one => one.dropUpload(file)),
    fileFailed: (file, facts, error, at) => both(file, one => one.fileFailed(file, facts, error, at)),
    async fileUploaded(file, facts, object, end) {
      const { sentBytes } = end;
      const isAhead = mine.get(keyOf(file)) === false;
      // One of the two counts what was sent.
      await journal.fileUploaded(file, facts, object, isAhead ? end : { ...end, sentBytes: 0 });
      if (isAhead) return;
      if (sharedFolders)
        return await writeShared(remote, file, ({ state }) => state.journal.fileUploaded(file, facts, object, end));
      try {
        await remote.use(({ state }) => state.journal.fileUploaded(file, facts, object, end));
      } catch (error) {
        await orBehind(file)(error);
        if (sentBytes > 0)
          await spool.countSentFile(sentBytes, Math.ceil(sentBytes / (object.partSizeBytes ?? facts.sizeBytes)));
      }
    },

    async unfinished(target) {
      const own = await journal.unfinished(target);
      const shared = await orLocal(
        () => remote.use(({ state }) => state.journal.unfinished(target)),
        async () => undefined,
      );
      if (!shared) return own;
      const ahead = await aheadOf(own.map(({ id }) => id));
      return [...shared.filter(({ id }) => !ahead.has(id)), ...own.filter(({ id }) => ahead.has(id))];
    },
    async liveIn(target, dir, id) {
      const own = await journal.liveIn(target, dir, id);
      const shared = await orLocal(
        () => remote.use(({ state }) => state.journal.liveIn(target, dir, id)),
        async (): Promise<LiveLeft[]> => [],
      );
      const known = new Set(shared.map(one => one.id));
      return [...shared, ...own.filter(one => !known.has(one.id))];
    },
    async openUploadIds(target) {
      const own = await journal.openUploadIds(target);
      return await orLocal(
        async () => new Set([...own, ...(await remote.use(({ state }) => state.journal.openUploadIds(target)))]),
        async () => own,
      );
    },
    async begunUploads(target) {
      const own = await journal.begunUploads(target);
      const shared = await orLocal(
        () => remote.use(({ state }) => state.journal.begunUploads(target)),
        async () => [],
      );
      const known = new Set(shared.map(({ uploadId }) => uploadId));
      return [...shared, ...own.filter(({ uploadId }) => !known.has(uploadId))];
    },
    knownKeys: target =>
      orLocal(
        () => remote.use(({ state }) => state.journal.knownKeys(target)),
        () => journal.knownKeys(target),
      ),
    async forgetUploads(target, uploadIds) {
      await journal.forgetUploads(target, uploadIds);
      await remote.use(({ state }) => state.journal.forgetUploads(target, uploadIds)).catch(ignoreAway);
    },
  };

  async function aheadOf(ids: readonly RecordingId[]): Promise<Set<string>> {
    const found = new Set<string>();
    for (const id of ids) if (await spool.isAhead(id)) found.add(id);
    return found;
  }
}

/** What the database says; what the machine's own file says while it is away. */
export async function orLocal<T>(there: () => Promise<T>, here: () => Promise<T>): Promise<T> {
  try {
    return await there();
  } catch (error) {
    if (!isAway(error)) throw error;
    return await here();
  }
}

export function ignoreAway(error: unknown): void {
  if (!isAway(error)) throw error;
}

/** It has no place in the queue of the fleet yet. */
function spooled({ delivery }: Enqueued): Enqueued {
  return { delivery: { ...delivery, seq: 0 }, how: 'new', isSpooled: true };
}

/** The delivery that the fleet's queue has in place of the file's. */
function enqueuedAs(one: Enqueued, { deliveries }: TakenRecording): Enqueued {
  const taken = deliveries.find(({ webhookId }) => webhookId === one.delivery.webhookId);
  if (!taken) return one;
  const delivery = taken.row ? toDelivery(taken.row) : { ...one.delivery, seq: 0, state: 'delivered' as const };
  return { delivery, how: taken.how === 'older' ? 'reused' : taken.how };
}

export function takenOverBy(machine: string, id: string): AppError {
  return new AppError(
    'BUSY',
    `machine ${machine} has taken recording ${id} over: this one was cut off from the database`,
    {
      hint: 'nothing is lost: that machine finishes it (recordupload status)',
    },
  );
}
