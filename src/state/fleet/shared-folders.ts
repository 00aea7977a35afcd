import { AppError } from '../../core/errors.ts';
import type { RecordingRef } from '../../core/upload/parts-journal.ts';
import { isAway, isUnusable, type OpenRemote, type Remote } from './remote.ts';

/**
 * Less than the 25 s after which the server notices that a machine is gone (postgres/connection.ts), so that this one has
 * stopped by then.
 */
const ANSWER_WITHIN_MS = 15_000;

/**
 * Writes of an upload whose folder other machines see, too. They take a machine for dead that has no session with the
 * database, and go on with its uploads. So an upload that cannot reach the database ends: its parts are kept, and whoever
 * reaches the database first goes on.
 * @throws AppError `BUSY` if the database does not answer, now or when asked again
 */
export async function writeShared<T>(
  remote: Pick<Remote, 'use'>,
  ref: Pick<RecordingRef, 'recordingId'>,
  write: (remote: OpenRemote) => Promise<T>,
): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(waitsForDatabase(ref.recordingId)), ANSWER_WITHIN_MS);
  const once = () => Promise.race([remote.use(write, { patient: true }), limit.promise]);
  try {
    return await once().catch(error => {
      if (!isAway(error)) throw error;
      // A server that was restarted answers a new connection.
      return once();
    });
  } catch (error) {
    throw isAway(error) ? waitsForDatabase(ref.recordingId) : error;
  } finally {
    clearTimeout(timer);
    limit.promise.catch(() => {});
  }
}

/** The error of an upload from a shared folder while the database is away. */
export function waitsForDatabase(recordingId: string): AppError {
  return new AppError(
    'BUSY',
    `recording ${recordingId} waits for the state's database: with sharedFolders, another machine may go on with it`,
    {
      hint: 'nothing is lost: what was sent is kept, and recordupload retry or watch goes on when the database is back',
    },
  );
}

/** Releases what could not be released while the database was away; what fails stays for the next time. */
export async function releaseLeft(
  unreleased: Map<string, RecordingRef>,
  { state }: Pick<OpenRemote, 'state'>,
): Promise<void> {
  for (const [key, ref] of unreleased) {
    try {
      await state.journal.release(ref);
    } catch (error) {
      if (isUnusable(error)) return;
      throw error;
    }
    unreleased.delete(key);
  }
}
