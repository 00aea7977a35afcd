import type { RecordingDetails } from '../../core/recording/recording.ts';
import type { RecordingRef } from '../../core/upload/parts-journal.ts';
import { newToken, OF_RECORDING, valuesOfRecording } from '../refs.ts';
import type { Liveness } from './liveness.ts';
import type { Sql } from './sql.ts';

/*
 * Within a write: the claim of a process on a recording, so that no two upload it at once.
 */

/**
 * Who has claimed the recording, or removes the files of another recording from its folder.
 * @param own.pid this process, as the others see it
 * @returns `pid` of a living process, this one included; or `dead`, a claimant that is not alive any more and whose lock
 * file the caller removes once the write is durable
 */
export function holderOf(
  sql: Sql,
  ref: RecordingRef,
  { liveness, pid, dir }: { liveness: Liveness; pid: number; dir: string },
): { pid: number | undefined; dead: string | undefined } {
  const pidOf = (holder: string) =>
    Number(sql.get('SELECT pid FROM owners WHERE id = $holder', { holder })?.pid ?? pid);
  const removing = sql
    .all(`SELECT claimed_by FROM recordings WHERE dir = $dir AND state = 'done' AND claimed_by IS NOT NULL`, { dir })
    .map(row => String(row.claimed_by))
    .find(holder => liveness.isAlive(holder));
  if (removing !== undefined) return { pid: pidOf(removing), dead: undefined };
  const holder = sql.get(`SELECT claimed_by FROM recordings WHERE ${OF_RECORDING}`, valuesOfRecording(ref))?.claimed_by;
  if (typeof holder !== 'string') return { pid: undefined, dead: undefined };
  if (liveness.isAlive(holder)) return { pid: pidOf(holder), dead: undefined };
  return { pid: undefined, dead: holder };
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
 * Claims a recording that no living process has claimed.
 * @param holder.dead the process that had claimed it
 * @returns the recording's own token
 */
export function claim(
  sql: Sql,
  ref: RecordingRef,
  { dir, details, state, webhooks, now }: ClaimFacts,
  { owner, pid, dead }: { owner: string; pid: number; dead: string | undefined },
): string {
  if (dead !== undefined) sql.run('DELETE FROM owners WHERE id = $dead', { dead });
  sql.run('INSERT OR IGNORE INTO owners (id, pid, started_at) VALUES ($owner, $pid, $now)', { owner, pid, now });
  // A row that was made at 0 was claimed and never begun, by a version that did the two apart. While it was recorded,
  // nothing was missing of it.
  sql.run(
    `INSERT INTO recordings
       (target, id, dir, details, state, webhooks, created_at, updated_at, unfinished_since, claimed_by, token)
     VALUES ($target, $recordingId, $dir, $details, $state, $webhooks, $now, $now, $now, $owner, $token)
     ON CONFLICT (target, id) DO UPDATE SET
       dir = $dir, details = $details, state = $state, error = NULL, webhooks = $webhooks,
       created_at = CASE created_at WHEN 0 THEN $now ELSE created_at END, updated_at = $now,
       unfinished_since = CASE state WHEN 'recording' THEN $now ELSE COALESCE(unfinished_since, $now) END,
       claimed_by = $owner, token = COALESCE(token, $token),
       -- The folder has files again, or this upload fails.
       local_removing = 0, local_removed_at = NULL, local_note = NULL`,
    {
      ...valuesOfRecording(ref),
      dir,
      details: JSON.stringify(details),
      state,
      webhooks: Number(webhooks),
      now,
      owner,
      token: newToken(),
    },
  );
  return String(sql.get(`SELECT token FROM recordings WHERE ${OF_RECORDING}`, valuesOfRecording(ref))?.token);
}
