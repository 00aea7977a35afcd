import type { Machine } from '../../core/status/worker.ts';
import type { Sql } from './sql.ts';

const ALL = `WITH living AS MATERIALIZED (SELECT id, machine, started_at FROM living_owners),
  alive AS (SELECT machine, MIN(started_at) AS since FROM living GROUP BY machine),
  uploads AS (
    SELECT living.machine, COUNT(*) FILTER (WHERE state = 'recording') AS recording,
      COUNT(*) FILTER (WHERE state NOT IN ('recording', 'done')) AS uploading
    FROM recordings JOIN living ON living.id = claimed_by GROUP BY living.machine
  ), sent AS (
    SELECT living.machine, COUNT(*) AS sending FROM deliveries JOIN living ON living.id = claimed_by GROUP BY living.machine
  ), at_watch AS (
    SELECT worker.machine, worker.pid, worker.since FROM worker JOIN living ON living.id = worker.owner
  )
  SELECT name, version, last_seen, alive.since, COALESCE(recording, 0) AS recording, COALESCE(uploading, 0) AS uploading,
    COALESCE(sending, 0) AS sending, at_watch.pid AS worker_pid, at_watch.since AS worker_since
  FROM machines LEFT JOIN alive ON alive.machine = name LEFT JOIN uploads ON uploads.machine = name
    LEFT JOIN sent ON sent.machine = name LEFT JOIN at_watch ON at_watch.machine = name
  ORDER BY name`;

/** Within a read: `Overview.machines`. */
export async function machinesIn(sql: Sql): Promise<Machine[]> {
  return (await sql.all(ALL)).map(row => ({
    name: String(row.name),
    version: String(row.version),
    isAlive: row.since !== null,
    since: row.since as number | null,
    lastSeen: Number(row.last_seen),
    worker: row.worker_pid === null ? undefined : { pid: Number(row.worker_pid), since: Number(row.worker_since) },
    recording: Number(row.recording),
    uploading: Number(row.uploading),
    sending: Number(row.sending),
  }));
}
