import type { Overview, RecordingStatus, StateOverview, UnfinishedUpload } from '../../core/status/overview.ts';
import type { QueuedUpload } from '../../core/upload/queue.ts';
import { toBlocked, toStatus, toUpload, toWaiting } from '../overview-rows.ts';
import { toQueued } from '../rows.ts';
import { textArray } from './arrays.ts';
import type { Database } from './database.ts';
import { endpointStates } from './endpoints.ts';
import { filesOf } from './file-progress.ts';
import { historyOf } from './history.ts';
import { machinesIn } from './machines.ts';
import { activityIn, deliveriesPage, recordingsPage } from './pages.ts';
import { type Living, recentRecordings } from './recent.ts';
import type { Row, Sql, Values } from './sql.ts';
import { readMeasures } from './totals.ts';
import { workerOf } from './worker.ts';

/** The overview over the database: of the whole fleet. */
export function openOverviewOf({ read, liveness, self }: Pick<Database, 'read' | 'liveness' | 'self'>): Overview {
  return {
    all: ({ limit, machine }) =>
      read(async sql => ({
        ...(await readOverview(sql, await liveness.living(sql), limit, machine ?? null)),
        worker: await workerOf(sql, machine ?? self.machine),
      })),
    recording: id =>
      read(async sql => ({
        recordings: await recordingsOf(sql, await liveness.living(sql), id),
        queue: (await sql.all('SELECT * FROM queue WHERE recording_id = $id ORDER BY since, dir', { id })).map(
          queuedOf,
        ),
        deliveries: await historyOf(sql, id),
      })),
    recent: filter => read(async sql => recentRecordings(sql, filter, await liveness.living(sql))),
    queue: ({ state = null, machine = null, since = 0, limit }) =>
      read(async sql => {
        const rows = await sql.all(
          `SELECT * FROM queue WHERE updated_at >= $since AND ($state::text IS NULL OR state = $state)
             AND ($machine::text IS NULL OR machine = $machine)
           ORDER BY updated_at DESC, dir LIMIT $limit`,
          { since, state, machine, limit },
        );
        return rows.map(queuedOf);
      }),
    recordingIds: (prefix, { limit }) =>
      read(async sql => {
        const rows = await sql.all(
          `SELECT id FROM recordings WHERE created_at > 0 AND id >= $prefix AND id < $behind AND starts_with(id, $prefix)
           ORDER BY updated_at DESC, target DESC, id DESC LIMIT $limit`,
          // The last character that there is: names are compared byte by byte.
          { prefix, behind: `${prefix}\u{10ffff}`, limit },
        );
        return [...new Set(rows.map(row => String(row.id)))];
      }),
    recordingsPage: filter => read(async sql => recordingsPage(sql, filter, await liveness.living(sql))),
    deliveriesPage: filter => read(sql => deliveriesPage(sql, filter)),
    activity: since => read(sql => activityIn(sql, since)),
    endpointStates: () => read(endpointStates),
    worker: () => read(sql => workerOf(sql, self.machine)),
    machines: () => read(machinesIn),
    measures: () => read(sql => readMeasures(sql, self.machine)),
  };
}

const OF_MACHINE = '($machine::text IS NULL OR machine = $machine)';
const IS_CLAIMED = 'claimed_by = ANY($living::text[])';
const CLAIMED = `state <> 'done' AND ${IS_CLAIMED} AND ${OF_MACHINE}`;
const PARTIAL = `state <> 'done' AND (claimed_by IS NULL OR NOT ${IS_CLAIMED}) AND ${OF_MACHINE}`;
const NOT_RECORDED = `state <> 'done' AND NOT (state = 'recording' AND claimed_by IS NOT NULL AND ${IS_CLAIMED}) AND ${OF_MACHINE}`;

// What is done is counted by triggers (schema-v1-counts.ts): an index of a million rows is not counted in a millisecond.
const COUNTED = `SELECT name, SUM(count)::bigint AS n FROM counts
  WHERE kind = 'delivery' OR $machine::text IS NULL OR part = $machine GROUP BY name`;
const NUMBERS = `SELECT
    (SELECT COUNT(*) FROM recordings WHERE ${CLAIMED}) AS claimed,
    (SELECT COUNT(*) FROM recordings WHERE state = 'recording' AND ${CLAIMED}) AS recording,
    (SELECT COUNT(*) FROM recordings WHERE ${PARTIAL}) AS partial,
    (SELECT COUNT(*) FROM queue WHERE state = 'waiting' AND ${OF_MACHINE}) AS queued,
    (SELECT COUNT(*) FROM queue WHERE state = 'refused' AND ${OF_MACHINE}) AS refused,
    (SELECT unfinished_since FROM recordings WHERE ${PARTIAL} ORDER BY unfinished_since LIMIT 1) AS oldest_partial,
    (SELECT unfinished_since FROM recordings WHERE ${NOT_RECORDED} ORDER BY unfinished_since LIMIT 1) AS oldest_upload,
    (SELECT MIN(since) FROM queue WHERE state = 'waiting' AND ${OF_MACHINE}) AS oldest_queued,
    (SELECT MIN(since) FROM queue WHERE state = 'refused' AND ${OF_MACHINE}) AS oldest_refused,
    (SELECT next_at FROM deliveries WHERE state = 'pending' ORDER BY next_at LIMIT 1) AS next_at,
    (SELECT created_at FROM deliveries WHERE state = 'pending' ORDER BY seq LIMIT 1) AS oldest_waiting`;
const WITH_LAST_ERROR = `SELECT page.*, last.error FROM page LEFT JOIN LATERAL (
    SELECT error FROM attempts WHERE delivery = page.seq ORDER BY number DESC LIMIT 1) AS last ON TRUE`;

async function readOverview(
  sql: Sql,
  living: Living,
  limit: number,
  machine: string | null,
): Promise<Omit<StateOverview, 'worker'>> {
  const values = { living: textArray([...living.keys()]), machine };
  const numbers = (await sql.get(NUMBERS, values)) ?? {};
  const number = (name: string) => Number(numbers[name]);
  const time = (name: string) => (numbers[name] ?? null) as number | null;
  const counted = new Map((await sql.all(COUNTED, { machine })).map(row => [String(row.name), Number(row.n)]));
  const count = (name: string) => counted.get(name) ?? 0;
  return {
    counts: {
      recording: number('recording'),
      uploading: number('claimed') - number('recording'),
      partial: number('partial'),
      queued: number('queued'),
      refused: number('refused'),
      done: count('done'),
      removed: count('removed'),
      waiting: count('pending'),
      held: count('held'),
      delivered: count('delivered'),
      superseded: count('superseded'),
    },
    uploads: await unfinished(sql, { ...values, limit }, living),
    queued: await queuedIn(sql, 'waiting', machine, limit),
    refused: await queuedIn(sql, 'refused', machine, limit),
    held: (
      await sql.all(
        `WITH page AS MATERIALIZED (SELECT * FROM deliveries WHERE state = 'held' ORDER BY settled_at, seq LIMIT $limit)
         ${WITH_LAST_ERROR} ORDER BY settled_at, seq`,
        { limit },
      )
    ).map(row => toWaiting(row, row)),
    waiting: (
      await sql.all(
        `WITH page AS MATERIALIZED (SELECT * FROM deliveries WHERE state = 'pending' ORDER BY next_at, seq LIMIT $limit)
         ${WITH_LAST_ERROR} ORDER BY next_at, seq`,
        { limit },
      )
    ).map(row => toWaiting(row, row)),
    endpoints: (
      await sql.all('SELECT * FROM endpoints WHERE disabled_reason IS NOT NULL OR refused_at IS NOT NULL ORDER BY name')
    ).map(toBlocked),
    nextAt: time('next_at'),
    oldest: {
      partial: time('oldest_partial'),
      upload: time('oldest_upload'),
      queued: time('oldest_queued'),
      refused: time('oldest_refused'),
      waiting: time('oldest_waiting'),
    },
  };
}

/** Those at work come first. */
async function unfinished(sql: Sql, values: Values, living: Living): Promise<UnfinishedUpload[]> {
  const some = (where: string) =>
    sql.all(`SELECT * FROM recordings WHERE ${where} ORDER BY unfinished_since, target, id LIMIT $limit`, values);
  return await toUploads(sql, [...(await some(CLAIMED)), ...(await some(PARTIAL))], living);
}

async function queuedIn(
  sql: Sql,
  state: QueuedUpload['state'],
  machine: string | null,
  limit: number,
): Promise<QueuedUpload[]> {
  const rows = await sql.all(
    `SELECT * FROM queue WHERE state = $state AND ${OF_MACHINE} ORDER BY since, machine, dir LIMIT $limit`,
    { state, machine, limit },
  );
  return rows.map(queuedOf);
}

const queuedOf = (row: Row): QueuedUpload => ({ ...toQueued(row), machine: String(row.machine) });

/** A recording in each bucket that it went to. */
async function recordingsOf(sql: Sql, living: Living, id: string): Promise<RecordingStatus[]> {
  const rows = await sql.all('SELECT * FROM recordings WHERE id = $id AND created_at > 0 ORDER BY target', { id });
  const uploads = await toUploads(sql, rows, living);
  return uploads.map((upload, index) => toStatus(rows[index] as Row, upload));
}

async function toUploads(sql: Sql, rows: readonly Row[], living: Living): Promise<UnfinishedUpload[]> {
  const files = await filesOf(
    sql,
    rows.map(row => ({ target: String(row.target), id: String(row.id) })),
  );
  return rows.map((row, index) => ({
    ...toUpload(row, living.get(String(row.claimed_by))?.pid, files[index] ?? []),
    machine: String(row.machine),
  }));
}
