import { AppError } from '../errors.ts';
import { METADATA_NAME } from '../payload/payload.ts';
import { inPool } from '../pool.ts';
import { sameFile } from '../recording/file-identity.ts';
import { objectKey } from '../recording/object-key.ts';
import type { Recording, RecordingFile } from '../recording/recording.ts';
import { type RemoteRecording, remoteRecording } from './remote-recording.ts';
import { storeMetadata } from './store-metadata.ts';
import { uploadFile } from './upload-file.ts';
import {
  type FileReport,
  failuresOf,
  type UploadDeps,
  type UploadReport,
  type UploadRequest,
} from './upload-report.ts';

/*
 * The flow of an upload: folder → bucket → metadata.json → deliveries queued. Each step is durable before the next, and
 * each finds out for itself what an earlier run has done: running it again finishes the work and repeats none of it.
 */

/** Files of one recording that are looked at or sent at once. */
const FILES_AT_ONCE = 8;

/**
 * Uploads a recording and queues its webhook. Files that fail do not stop the others.
 * @throws AppError `BUSY` where another process is at it, `CONFIG` without an e-mail to tell the server, `STATE`; the
 * signal's reason once it aborts
 */
export async function uploadRecording(
  recording: Recording,
  request: UploadRequest,
  deps: UploadDeps,
): Promise<UploadReport> {
  if (request.endpoints.length > 0) requireEmail(recording);
  const { store, bucket, clock, observer } = deps;
  const claim = await store.together(() => {
    const taken = store.claim(bucket.target, recording.id);
    if (taken.ok) store.begin(bucket.target, recording, { webhooks: request.endpoints.length > 0, now: clock.now() });
    return taken;
  });
  if (!claim.ok) {
    throw new AppError('BUSY', `another process (pid ${claim.pid}) is at work on recording ${recording.id}`, {
      hint: 'wait for it to end, or see what it does with recordupload status',
    });
  }
  try {
    observer({ type: 'recording-started', recordingId: recording.id, dir: recording.dir, files: recording.files });
    return await upload(recording, request, deps);
  } finally {
    store.release(bucket.target, recording.id);
  }
}

/** @throws AppError `CONFIG`: the server knows users by their e-mail alone */
export function requireEmail({ id, details }: Pick<Recording, 'id' | 'details'>): void {
  if (details.user.email) return;
  throw new AppError('CONFIG', `recording ${id}: no e-mail address to tell the server`, {
    hint: 'give --email, set user.email (RECORDUPLOAD_USER_EMAIL), put user_info.email into recording.json, or use --no-webhook',
  });
}

async function upload(recording: Recording, request: UploadRequest, deps: UploadDeps): Promise<UploadReport> {
  const { store, bucket, clock, signal } = deps;
  const startedAt = clock.monotonic();
  const remote = remoteRecording(recording, deps);
  const files = await uploadFiles(recording, request, deps, remote);
  signal.throwIfAborted();

  const there = files.filter(file => file.outcome !== 'failed');
  const metadata = await storeMetadata(recording, files, request, deps, remote);
  const failures = failuresOf({ files, metadata });

  const error = failures.map(failure => failure.message).join('; ') || null;
  // The deliveries are durable together with the recording's being done: no crash can come in between.
  const deliveries = await store.together(() => {
    if (metadata.stored) store.saveMetadata(bucket.target, recording.id, metadata.stored);
    store.finish(bucket.target, recording.id, { state: error ? 'partial' : 'done', error, now: clock.now() });
    store.release(bucket.target, recording.id);
    if (!metadata.payload) return [];
    return deps.deliveries.enqueue({
      recordingId: recording.id,
      endpoints: request.endpoints,
      payload: metadata.payload.text,
      contentHash: metadata.payload.hash,
      force: request.force,
      now: clock.now(),
    });
  });

  const sentBytes = files.reduce((sum, file) => sum + (file.outcome === 'failed' ? 0 : file.sentBytes), 0);
  const unchanged = metadata.outcome === 'unchanged' && files.every(file => file.outcome === 'unchanged');
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

/** Small files first: they do not wait for the big one. */
async function uploadFiles(
  recording: Recording,
  request: UploadRequest,
  deps: UploadDeps,
  remote: RemoteRecording,
): Promise<FileReport[]> {
  const queue = recording.files.toSorted((a, b) => a.sizeBytes - b.sizeBytes);
  const { store, bucket, hasher } = deps;
  const isDone = ({ name }: RecordingFile) => store.file(bucket.target, recording.id, name)?.state === 'uploaded';
  // Before any request: starting threads holds up the event loop, and that would be taken for the store's distance.
  for (const file of queue) if (!isDone(file)) hasher.prepare(file.sizeBytes);
  const reports = new Map<string, FileReport>();
  await inPool(queue, { atOnce: FILES_AT_ONCE, signal: deps.signal }, async (file, signal) => {
    reports.set(file.name, await uploadOne(file, recording, request, { ...deps, signal }, remote));
  });
  return recording.files.flatMap(file => reports.get(file.name) ?? []);
}

async function uploadOne(
  file: RecordingFile,
  recording: Recording,
  { force }: UploadRequest,
  deps: UploadDeps,
  remote: RemoteRecording,
): Promise<FileReport> {
  const { store, bucket, observer, clock, signal } = deps;
  const { name, role, sizeBytes, contentType } = file;
  const recordingId = recording.id;
  const facts = { name, role, sizeBytes, contentType, key: objectKey(recordingId, name) };
  try {
    const known = async () => (await remote.metadata())?.checksums.get(name);
    const mayBeThere = () => remote.mayHave(facts.key);
    const options = { force, known, mayBeThere };
    const { outcome, object, sentBytes } = await uploadFile(file, recordingId, deps, options);
    if (outcome === 'uploaded') observer({ type: 'file-finished', recordingId, name, sizeBytes, sentBytes });
    else observer({ type: 'file-unchanged', recordingId, name, sizeBytes });
    return { ...facts, outcome, sentBytes, etag: object.etag };
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError) || error.code === 'STATE') throw error;
    const stored = store.file(bucket.target, recordingId, name);
    const stillThere = stored?.state === 'uploaded' && sameFile(stored, file);
    if (!stillThere) store.fileFailed(bucket.target, recordingId, file, error.message, clock.now());
    observer({ type: 'file-failed', recordingId, name, error });
    return { ...facts, outcome: 'failed', error };
  }
}
