import { AppError } from '../../core/errors.ts';
import type { RecordingDetails } from '../../core/recording/recording.ts';
import type { BeginResult } from '../../core/upload/live-journal.ts';
import type { RecordingRef } from '../../core/upload/parts-journal.ts';
import { newToken, OF_RECORDING, valuesOfRecording } from '../refs.ts';
import type { Database } from './database.ts';
import type { Row, Sql, Values } from './sql.ts';

/*
 * Within a write: the claim of a process on a recording, so that no two of the fleet upload it at once.
 */

/** Of rows with a folder: this machine's; with `sharedFolders`, a path is the same folder on every machine. */
export const IS_OURS = '(machine = $machine OR $shared = 1)';

/** The values of `IS_OURS`. */
export function ours({ self, sharedFolders }: Pick<Database, 'self' | 'sharedFolders'>): Values {
  return { machine: self.machine, shared: Number(sharedFolders) };
}

/** Waits until no other transaction has the lock of that name; it ends with the transaction. */
async function lock(sql: Sql, name: string): Promise<void> {
  await sql.run('SELECT pg_advisory_xact_lock(hashtextextended($name, 0))', { name });
}

/** Why this process may not claim the recording. */
type Refusal = Exclude<BeginResult, { ok: true }>;

/**
 * Locks a recording and its folder, and looks who has claimed it, or removes the files of another recording from its folder.
 * @returns undefined: this process may claim it
 */
export async function refusalOf(
  sql: Sql,
  ref: RecordingRef,
  database: Pick<Database, 'self' | 'sharedFolders' | 'liveness'>,
  dir: string,
): Promise<Refusal | undefined> {
  const { self, sharedFolders, liveness } = database;
  await lockFolder(sql, dir);
  await lock(sql, `recording ${ref.target} ${ref.recordingId}`);
  const removing = await sql.all(
    `SELECT claimed_by FROM recordings WHERE dir = $dir AND state = 'done' AND claimed_by IS NOT NULL AND ${IS_OURS}`,
    { dir, ...ours(database) },
  );
  const known = await sql.get(
    `SELECT machine, dir, claimed_by FROM recordings WHERE ${OF_RECORDING} FOR UPDATE`,
    valuesOfRecording(ref),
  );
  const living = await liveness.living(sql);
  const holder = [...removing, ...(known ? [known] : [])]
    .map(row => living.get(String(row.claimed_by)))
    .find(owner => owner !== undefined);
  const isElsewhere = known !== undefined && known.machine !== self.machine;
  if (isElsewhere && !(sharedFolders && known.dir === dir)) return { ok: false, machine: String(known.machine) };
  if (!holder) return undefined;
  return { ok: false, pid: holder.pid, ...(holder.machine !== self.machine && { machine: holder.machine }) };
}

/** Waits until no other transaction claims a recording of that folder. */
export function lockFolder(sql: Sql, dir: string): Promise<void> {
  return lock(sql, `folder ${dir}`);
}

/** What is claimed, and what for. */
export interface ClaimFacts {
  dir: string;
  details: RecordingDetails;
  state: 'recording' | 'uploading';
  webhooks: boolean;
  now: number;
}

/**
 * Claims a recording that `refusalOf` did not refuse.
 * @returns the recording's own token
 */
export async function claim(
  sql: Sql,
  ref: RecordingRef,
  { dir, details, state, webhooks, now }: ClaimFacts,
  { owner, machine }: { owner: string; machine: string },
): Promise<string> {
  // While it was recorded, nothing was missing of it.
  const row = await sql.get(
    `INSERT INTO recordings AS known
       (target, id, machine, dir, details, state, webhooks, created_at, updated_at, unfinished_since, claimed_by, token)
     VALUES ($target, $recordingId, $machine, $dir, $details, $state, $webhooks, $now, $now, $now, $owner, $token)
     ON CONFLICT (target, id) DO UPDATE SET
       machine = excluded.machine, dir = excluded.dir, details = excluded.details, state = excluded.state, error = NULL,
       webhooks = excluded.webhooks,
       created_at = CASE known.created_at WHEN 0 THEN excluded.created_at ELSE known.created_at END,
       updated_at = excluded.updated_at,
       unfinished_since = CASE known.state WHEN 'recording' THEN excluded.updated_at
         ELSE COALESCE(known.unfinished_since, excluded.updated_at) END,
       claimed_by = excluded.claimed_by, token = COALESCE(known.token, excluded.token),
       -- The folder has files again, or this upload fails.
       local_removing = 0, local_removed_at = NULL, local_note = NULL
     RETURNING token`,
    {
      ...valuesOfRecording(ref),
      machine,
      dir,
      details: JSON.stringify(details),
      state,
      webhooks: Number(webhooks),
      now,
      owner,
      token: newToken(),
    },
  );
  return String(row?.token);
}

/**
 * Keeps the recording this process's until the transaction ends; one that nobody has claimed is nobody's.
 * @throws AppError `BUSY` if another process has claimed it: this one was cut off from the database, and counted as dead
 */
export async function assertNotTaken(
  sql: Sql,
  ref: RecordingRef,
  { liveness }: Pick<Database, 'liveness'>,
): Promise<Row | undefined> {
  const row = await sql.get(`SELECT * FROM recordings WHERE ${OF_RECORDING} FOR SHARE`, valuesOfRecording(ref));
  const owner = row?.claimed_by;
  if (typeof owner !== 'string' || liveness.isOwn(owner)) return row;
  const taker = (await liveness.living(sql)).get(owner);
  // What a dead process has claimed nobody else works at.
  if (!taker) return row;
  throw takenOver(ref.recordingId, taker);
}

/** The error of a process that was cut off from the database for so long that another one has its recording now. */
export function takenOver(recordingId: string, { pid, machine }: { pid: number; machine: string }): AppError {
  return new AppError(
    'BUSY',
    `process ${pid} on ${machine} has taken recording ${recordingId} over: this one was cut off from the state's database`,
    { hint: 'nothing is lost: the other process finishes it (recordupload status)' },
  );
}
