import { AppError } from '../errors.ts';
import { METADATA_NAME } from '../payload/payload.ts';
import { inPool } from '../pool.ts';
import { sameFile } from '../recording/file-identity.ts';
import { objectKey } from '../recording/object-key.ts';
import type { Recording, RecordingFile } from '../recording/recording.ts';
import { StorageFailure } from '../storage/failure.ts';
import { type EarlyParts, hashEarly } from './early-parts.ts';
import { belongsToAnother, foreignByRole } from './foreign-objects.ts';
import { giveUpOtherLives } from './give-up-live.ts';
import { withKnownNames } from './known-names.ts';
import type { Look, LookOptions } from './look-at-file.ts';
import { notClaimed } from './not-claimed.ts';
import { isOfOneFile } from './of-one-file.ts';
import { type RemoteRecording, remoteRecording } from './remote-recording.ts';
import { persistentBucket, type UploadSession } from './session.ts';
import { storeMetadata } from './store-metadata.ts';
import { lookAhead, uploadFile } from './upload-file.ts';
import { type FileReport, failuresOf, type UploadReport, type UploadRequest } from './upload-report.ts';

/*
 * The flow of an upload: folder → bucket → metadata.json → deliveries queued. Each step is durable before the next, and
 * each finds out for itself what an earlier run has done, so a second run finishes the work and repeats none of it.
 */

/** Files of one recording that are compared or sent at the same time. */
const FILES_AT_ONCE = 8;

/**
 * Uploads a recording and queues its webhook. Files that fail do not stop the others.
 * @throws AppError `BUSY` if another process is uploading it, `RECORDING` if another machine has its id, `STATE` (a `NotBegunError` if the state knows nothing of
 * this run); the signal's reason once it aborts
 */
export async function uploadRecording(
  recording: Recording,
  request: UploadRequest,
  session: UploadSession,
): Promise<UploadReport> {
  const { journal, bucket, clock, observer } = session;
  const webhooks = request.endpoints.length > 0;
  const { askedAt } = request;
  const begun = await journal.begin(bucket.target, recording, { webhooks, now: clock.now(), askedAt }).catch(notBegun);
  if (!begun.ok) throw notClaimed(recording.id, begun);
  try {
    observer({ type: 'recording-started', recordingId: recording.id, dir: recording.dir, files: recording.files });
    const ownToken = `${begun.token}.`;
    const newToken = () => `${ownToken}${session.newToken()}`;
    const own = { ...session, ownToken, newToken };
    await giveUpOtherLives(recording, own);
    return await upload(await withKnownNames(recording, own), request, own);
  } finally {
    await journal.release({ target: bucket.target, recordingId: recording.id });
  }
}

/** The state failed before the upload was noted: nothing was sent, and `retry` does not know of it. */
export class NotBegunError extends AppError {
  constructor({ message, hint, cause }: AppError) {
    super('STATE', message, { hint, cause });
  }
}

function notBegun(error: unknown): never {
  throw error instanceof AppError && error.code === 'STATE' ? new NotBegunError(error) : error;
}

async function upload(recording: Recording, request: UploadRequest, session: UploadSession): Promise<UploadReport> {
  const { journal, bucket, clock, signal } = session;
  const startedAt = clock.monotonic();
  const remote = remoteRecording(recording, session);
  await using early = await beginHashing(recording, session);
  const looks = await lookAtAll(recording, request, session, remote);
  const files = await uploadFiles(recording, { looks, early }, request, session, remote);
  signal.throwIfAborted();
  await refuseOthers(recording, files, session);

  const there = files.filter(file => file.outcome !== 'failed');
  const metadata = await storeMetadata(recording, files, request, session, remote).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'RECORDING') throw error;
    return refuse(error, recording, session, { refused: false });
  });
  const failures = failuresOf({ files, metadata });

  const sent = metadata.outcome === 'uploaded' || files.some(file => file.outcome === 'uploaded');
  const unchanged = metadata.outcome === 'unchanged' && files.every(file => file.outcome === 'unchanged');
  const error = failures.map(failure => failure.message).join('; ') || null;
  const deliveries = await journal.finish(
    { target: bucket.target, recordingId: recording.id },
    {
      state: error ? 'partial' : 'done',
      error,
      sent,
      metadata: metadata.stored,
      webhook: metadata.payload && {
        endpoints: request.endpoints,
        payload: metadata.payload.text,
        contentHash: metadata.payload.hash,
        // Files that were uploaded again are announced again, even if the payload is the same.
        force: request.force || sent,
        // The server knows users by nothing else. Another payload takes its place once there is an address.
        hold: recording.details.user.email ? undefined : 'no-email',
      },
      now: clock.now(),
    },
  );

  const sentBytes = files.reduce((sum, file) => sum + (file.outcome === 'failed' ? 0 : file.sentBytes), 0);
  return {
    recordingId: recording.id,
    dir: recording.dir,
    target: bucket.target,
    outcome: there.length === 0 ? 'failed' : error ? 'partial' : unchanged ? 'unchanged' : 'uploaded',
    files,
    metadata: {
      key: objectKey(recording.id, METADATA_NAME),
      outcome: metadata.outcome,
      ...(metadata.error && { error: metadata.error }),
    },
    skipped: recording.skipped,
    payload: metadata.payload?.value,
    deliveries,
    sentBytes,
    durationMs: clock.monotonic() - startedAt,
  };
}

/** Before the first request, because starting threads holds up the event loop: the store would seem to be farther away. */
async function beginHashing({ id, files }: Recording, session: UploadSession): Promise<EarlyParts> {
  const { hasher, journal, bucket } = session;
  const stored = await journal.files({ target: bucket.target, recordingId: id });
  const known = new Map(stored.map(file => [file.name, file]));
  const bySize = files.toSorted((a, b) => a.sizeBytes - b.sizeBytes);
  for (const { name, sizeBytes } of bySize) if (known.get(name)?.state !== 'uploaded') hasher.prepare(sizeBytes);
  return await hashEarly(
    id,
    files.filter(({ name }) => !known.has(name)),
    session,
  );
}

/** What the bucket has of each file, by name, before any is sent; or why that could not be found out. */
type Looks = ReadonlyMap<string, Look | AppError>;

/**
 * Looks at all files first: one that belongs to another recording keeps all of them from being sent.
 * @throws AppError `RECORDING` if the bucket has another recording with this id
 */
async function lookAtAll(
  recording: Recording,
  request: UploadRequest,
  session: UploadSession,
  remote: RemoteRecording,
): Promise<Looks> {
  const looks = new Map<string, Look | AppError>();
  await inPool(
    recording.files,
    { atOnce: session.filePlaces ?? FILES_AT_ONCE, signal: session.signal },
    async (file, signal) => {
      const options = lookOptions(file, recording, request, remote);
      try {
        looks.set(file.name, await lookAhead(file, recording.id, { ...session, signal }, options));
      } catch (error) {
        if (signal.aborted || !isOfOneFile(error)) throw error;
        looks.set(file.name, error);
      }
    },
  );
  if (request.force) return looks;
  const foreign = recording.files.flatMap(({ name }) => {
    const look = looks.get(name);
    return look && 'is' in look && look.is === 'foreign'
      ? [{ key: objectKey(recording.id, name), head: look.head }]
      : [];
  });
  const isKnown = [...looks.values()].some(look => 'is' in look && (look.is === 'there' || look.is === 'unchanged'));
  if (!isKnown) foreign.push(...(await foreignByRole(recording, session, (await remote.listedKeys()) ?? [])));
  if (foreign.length === 0) return looks;
  const flaw = await whyNoStore(recording, session);
  if (!flaw) await refuse(belongsToAnother(recording.id, foreign), recording, session, { refused: true });
  return new Map(recording.files.map(({ name }) => [name, flaw as AppError]));
}

/**
 * A website in place of a store answers any HEAD, too. A list has a form of its own.
 * @returns what is wrong; undefined if a store answers, or nothing that says otherwise
 */
async function whyNoStore({ id }: Recording, session: UploadSession): Promise<StorageFailure | undefined> {
  try {
    await persistentBucket(session).list(`${id}/`, { atMost: 1 }, session.signal);
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    if (error.reason === 'NotS3') return error;
  }
  return undefined;
}

/**
 * Another machine was faster with some of the files: nothing of this recording is announced.
 * @throws AppError `RECORDING`
 */
async function refuseOthers(recording: Recording, files: readonly FileReport[], session: UploadSession): Promise<void> {
  for (const file of files) {
    if (file.outcome === 'failed' && file.error.code === 'RECORDING')
      await refuse(file.error, recording, session, { refused: false });
  }
}

/** Notes the refusal in the state, and throws it. */
async function refuse(
  error: AppError,
  { id: recordingId }: Recording,
  { journal, bucket, clock }: UploadSession,
  { refused }: { refused: boolean },
): Promise<never> {
  const end = { state: 'partial' as const, error: error.message, refused, now: clock.now() };
  await journal.finish({ target: bucket.target, recordingId }, end);
  throw error;
}

function lookOptions(
  { name }: RecordingFile,
  { id }: Recording,
  { force }: UploadRequest,
  remote: RemoteRecording,
): LookOptions {
  return {
    force,
    known: async () => (await remote.metadata())?.checksums.get(name),
    mayBeThere: () => remote.mayHave(objectKey(id, name)),
  };
}

/** Small files first, so that they do not wait for the big one. */
async function uploadFiles(
  recording: Recording,
  { looks, early }: { looks: Looks; early: EarlyParts },
  request: UploadRequest,
  session: UploadSession,
  remote: RemoteRecording,
): Promise<FileReport[]> {
  const queue = recording.files.toSorted((a, b) => a.sizeBytes - b.sizeBytes);
  const reports = new Map<string, FileReport>();
  await inPool(queue, { atOnce: session.filePlaces ?? FILES_AT_ONCE, signal: session.signal }, async (file, signal) => {
    const options = { ...lookOptions(file, recording, request, remote), look: looks.get(file.name), early };
    reports.set(file.name, await uploadOne(file, recording, options, { ...session, signal }));
  });
  return recording.files.flatMap(file => reports.get(file.name) ?? []);
}

async function uploadOne(
  file: RecordingFile,
  recording: Recording,
  { look, ...options }: LookOptions & { look: Look | AppError | undefined; early: EarlyParts },
  session: UploadSession,
): Promise<FileReport> {
  const { journal, bucket, observer, clock, signal } = session;
  const { name, role, sizeBytes, contentType } = file;
  const recordingId = recording.id;
  const facts = { name, role, sizeBytes, contentType, key: objectKey(recordingId, name) };
  try {
    if (look instanceof AppError) throw look;
    const { outcome, object, sentBytes } = await uploadFile(file, recordingId, session, { ...options, look });
    if (outcome === 'uploaded') observer({ type: 'file-finished', recordingId, name, sizeBytes, sentBytes });
    else observer({ type: 'file-unchanged', recordingId, name, sizeBytes });
    return { ...facts, outcome, sentBytes, etag: object.etag };
  } catch (error) {
    if (signal.aborted || !isOfOneFile(error)) throw error;
    const ref = { target: bucket.target, recordingId, name };
    const stored = await journal.file(ref);
    // A failed check of a file that is in the bucket does not undo its upload.
    const isStillStored = stored?.state === 'uploaded' && sameFile(stored, file);
    if (!isStillStored) await journal.fileFailed(ref, file, error.message, clock.now());
    observer({ type: 'file-failed', recordingId, name, error });
    return { ...facts, outcome: 'failed', error };
  }
}
