import { AppError } from '../errors.ts';
import { roleOf } from '../recording/file-roles.ts';
import type { Recording, RecordingId } from '../recording/recording.ts';
import type { ObjectHead } from '../storage/bucket.ts';
import { formatBytes } from '../units.ts';
import type { StoredFile } from './journal.ts';
import { MACHINE_METADATA, TOKEN_METADATA } from './object-metadata.ts';
import { fileContext, type UploadSession } from './session.ts';
import { headIfAllowed } from './verify-object.ts';

/** An object of the recording's id that this state did not put into the bucket. */
export interface ForeignObject {
  key: string;
  head: ObjectHead;
}

/** True if this state put the object there: its token begins with the recording's own, or, if it has none, the state says so. */
export function isOurs(
  head: ObjectHead,
  stored: Pick<StoredFile, 'state' | 'etag' | 'token'> | undefined,
  { ownToken }: Pick<UploadSession, 'ownToken'>,
): boolean {
  const token = head.metadata[TOKEN_METADATA];
  if (token !== undefined && ownToken !== undefined && token.startsWith(ownToken)) return true;
  // Another state's: this one may have adopted the object, but did not put it there.
  if (token !== undefined && ownToken !== undefined && OF_A_STATE.test(token)) return false;
  return stored?.state === 'uploaded' && (stored.etag === head.etag || stored.token === token);
}

/** A recording's word before the upload's own; tokens of versions before 2026-11-27 have none. */
const OF_A_STATE = /^[^.]+\./;

/**
 * Finds foreign objects that have a role of ours under another name: another machine's `video.mp4` beside our
 * `video.mkv`.
 * @param keys where to look; those of other roles, and of our own files, are left out
 */
export async function foreignByRole(
  recording: Recording,
  session: UploadSession,
  keys: Iterable<string>,
): Promise<ForeignObject[]> {
  const { journal, bucket } = session;
  const names = recording.files.map(file => file.name);
  const roles = new Set(recording.files.map(file => file.role));
  const found: ForeignObject[] = [];
  for (const key of keys) {
    const name = key.slice(recording.id.length + 1);
    const role = roleOf(name, []);
    if (role === undefined || !roles.has(role) || names.includes(name)) continue;
    const head = await headIfAllowed(fileContext(session, recording.id, name, key));
    if (!head || head === 'forbidden') continue;
    const stored = await journal.file({ target: bucket.target, recordingId: recording.id, name });
    if (!isOurs(head, stored, session)) found.push({ key, head });
  }
  return found;
}

/** `head` is undefined where the key may not look at the object. */
type Described = Pick<ForeignObject, 'key'> & { head: ObjectHead | undefined };

/**
 * The refusal to replace them.
 * @param options.isSent true: files of this recording are in the bucket already, so its upload does not end by itself
 */
export function belongsToAnother(
  id: RecordingId,
  objects: readonly Described[],
  { isSent = false }: { isSent?: boolean } = {},
): AppError {
  const message = `recording ${id}: the bucket has another one with this id: ${objects.map(describe).join(', ')}`;
  return new AppError('RECORDING', message, {
    hint: isSent
      ? `upload it under another id with --id, and end this upload: recordupload forget ${id}; or replace what the bucket has with --force`
      : 'upload it under another id with --id, or replace what the bucket has with --force',
  });
}

function describe({ key, head }: Described): string {
  if (!head) return `${key} (the access key may not read whose it is)`;
  const { sizeBytes, lastModified, metadata } = head;
  const machine = metadata[MACHINE_METADATA];
  const facts = [
    ...(sizeBytes === undefined ? [] : [formatBytes(sizeBytes)]),
    `stored${lastModified ? ` ${lastModified.toISOString().slice(0, 19).replace('T', ' ')} UTC` : ''}${machine ? ` by ${machine}` : ''}`,
  ];
  return `${key} (${facts.join(', ')})`;
}
