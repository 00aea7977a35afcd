import type { Clock } from '../clock.ts';
import type { Observer } from '../events.ts';
import type { TakePlace } from '../pool.ts';
import type { RecordingId } from '../recording/recording.ts';
import type { Body } from '../storage/body.ts';
import type { Bucket, BucketMethods } from '../storage/bucket.ts';
import type { StorageFailure } from '../storage/failure.ts';
import type { Hasher } from '../storage/hasher.ts';
import type { InFlight } from '../storage/in-flight.ts';
import type { Persistence } from '../storage/persistence.ts';
import type { Throttle } from '../storage/throttle.ts';
import { wrapBucket } from '../storage/wrap-bucket.ts';
import type { UploadJournal } from './journal.ts';
import type { FileRef } from './parts-journal.ts';

/** What all uploads of a run share: connections, pace, threads, patience. */
export interface UploadSession {
  bucket: Bucket;
  journal: UploadJournal;
  persistence: Persistence;
  inFlight: InFlight;
  hasher: Hasher;
  /** Who decides how many files are worked on at once, over all recordings; undefined: the usual number for each. */
  filePlaces?: TakePlace | undefined;
  throttle: Throttle;
  clock: Clock;
  /** A new random word: an upload's own token. */
  newToken: () => string;
  /** This machine's name, in the metadata of its objects; empty: it has none. */
  machine: string;
  /** What the tokens of this state's objects of the recording begin with; undefined outside of a recording's upload. */
  ownToken?: string | undefined;
  observer: Observer;
  signal: AbortSignal;
}

/** One file on its way into the bucket. */
export interface FileContext extends UploadSession {
  recordingId: RecordingId;
  /** File name, in the events. */
  name: string;
  /** The file, for the journal. */
  ref: FileRef;
  key: string;
  /**
   * The session's bucket behind its retry layer. `createUpload` and `completeUpload` are tried once: one that failed may
   * have succeeded all the same, so its caller asks the bucket first.
   */
  bucket: Bucket;
  onRetry: (failure: StorageFailure, delayMs: number) => void;
}

/**
 * Puts the retry layer around the bucket, for one file.
 * @param assertUnchanged throws if the file has changed: sending it again makes no sense then
 */
export function fileContext(
  session: UploadSession,
  recordingId: RecordingId,
  name: string,
  key: string,
  assertUnchanged?: () => void,
): FileContext {
  const onRetry = (failure: StorageFailure, delayMs: number) => {
    // Fewer at once do not make room in the store.
    if (failure.kind !== 'full') session.inFlight.failed();
    session.observer({ type: 'file-retrying', recordingId, name, reason: failure.brief, delayMs });
  };
  return {
    ...session,
    recordingId,
    name,
    ref: { target: session.bucket.target, recordingId, name },
    key,
    onRetry,
    bucket: retrying(session.bucket, session.persistence, onRetry, assertUnchanged),
  };
}

/** The session's bucket behind its retry layer, for what is not about one file. */
export function persistentBucket({ bucket, persistence, observer }: UploadSession): Bucket {
  return retrying(bucket, persistence, (failure, delayMs) =>
    observer({ type: 'warning', message: `${failure.brief}; trying again in ${Math.round(delayMs / 1000)} s` }),
  );
}

/** What a method's success proves: that the upload progresses, or only that the store responds. `once`: no retry. */
const RETRIES = {
  put: 'progress',
  uploadPart: 'progress',
  head: 'looks',
  get: 'looks',
  list: 'looks',
  listParts: 'looks',
  listUploads: 'looks',
  delete: 'looks',
  abortUpload: 'looks',
  createUpload: 'once',
  completeUpload: 'once',
} as const satisfies Record<keyof BucketMethods, 'progress' | 'looks' | 'once'>;

function retrying(
  bucket: Bucket,
  persistence: Persistence,
  onRetry: (failure: StorageFailure, delayMs: number) => void,
  check?: () => void,
): Bucket {
  return wrapBucket<(typeof RETRIES)[keyof BucketMethods]>(bucket, RETRIES, (success, call, args) => {
    const signal = args.at(-1) as AbortSignal;
    switch (success) {
      case 'once':
        return call();
      case 'looks':
        return persistence.run(call, { signal, onRetry, looks: true });
      case 'progress':
        return persistence.run(call, { signal, onRetry, check, sentBytes: () => bodyIn(args)?.sentBytes ?? 0 });
    }
  });
}

function bodyIn(args: readonly unknown[]): Body | undefined {
  return args.find((arg): arg is Body => typeof arg === 'object' && arg !== null && 'sha256' in arg);
}
