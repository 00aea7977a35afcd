import type { Overview, RecordingStatus, StateOverview, UnfinishedUpload } from '../../core/status/overview.ts';
import type { QueuedUpload } from '../../core/upload/queue.ts';
import { progressOf } from '../file-progress.ts';
import { toBlocked, toStatus, toUpload, toWaiting } from '../overview-rows.ts';
import { toQueued } from '../rows.ts';
import { endpointStates } from './endpoints.ts';
import { historyOf, lastAttempt } from './history.ts';
import { activityIn, deliveriesPage, recordingsPage } from './pages.ts';
import { recentRecordings } from './recent.ts';
import type { Row, Sql, Values } from './sql.ts';
import { readMeasures } from './totals.ts';
import { workerIn } from './worker.ts';

/** What the overview is read from. */
export interface OverviewSource {
  /** Reads in one transaction. */
  read<T>(work: (sql: Sql) => T): Promise<T>;
  /** Whether the process that made a claim is alive. */
  isAlive(ownerId: string, pid: number): boolean;
}

/** The overview over a database. */
export function openOverviewOf({ read, isAlive }: OverviewSource): Overview {
  return {
    all: ({ limit }) =>
      read(sql => ({
        ...readOverview(sql, livingClaimants(sql, isAlive), limit),
        worker: workerIn(sql, isAlive),
      })),
    recording: id =>
      read(sql => ({
        recordings: recordingsOf(sql, livingClaimants(sql, isAlive), id),
        queue: sql.all('SELECT * FROM queue WHERE recording_id = $id ORDER BY since, dir', { id }).map(toQueued),
        deliveries: historyOf(sql, id),
      })),
    recent: filter => read(sql => recentRecordings(sql, filter, new Set(livingClaimants(sql, isAlive).keys()))),
    queue: ({ state, since = 0, limit }) =>
      read(sql =>
        sql
          .all(
            `SELECT * FROM queue WHERE updated_at >= $since AND ($state IS NULL OR state = $state)
             ORDER BY updated_at DESC, dir LIMIT $limit`,
            { since, state: state ?? null, limit },
          )
          .map(toQueued),
      ),
    recordingIds: (prefix, { limit }) =>
      read(sql => {
        const rows = sql.all(
          `SELECT id FROM recordings WHERE created_at > 0 AND substr(id, 1, length($prefix)) = $prefix
           ORDER BY updated_at DESC LIMIT $limit`,
          { prefix, limit },
        );
        return [...new Set(rows.map(row => String(row.id)))];
      }),
    recordingsPage: filter => read(sql => recordingsPage(sql, filter, new Set(livingClaimants(sql, isAlive).keys()))),
    deliveriesPage: filter => read(sql => deliveriesPage(sql, filter)),
    activity: since => read(sql => activityIn(sql, since)),
    endpointStates: () => read(endpointStates),
    worker: () => read(sql => workerIn(sql, isAlive)),
    machines: async () => [],
    measures: () => read(readMeasures),
  };
}

/** Owners of claims on recordings that are alive, with their pids. */
type Living = ReadonlyMap<string, number>;

function livingClaimants(sql: Sql, isAlive: OverviewSource['isAlive']): Living {
  const claimants = sql
    .all('SELECT DISTINCT claimed_by AS id FROM recordings WHERE claimed_by IS NOT NULL')
    .map(row => String(row.id));
  const pidOf = (id: string) => Number(sql.get('SELECT pid FROM owners WHERE id = $id', { id })?.pid ?? 0);
  return new Map(claimants.map(id => [id, pidOf(id)] as const).filter(([id, pid]) => isAlive(id, pid)));
}

function readOverview(sql: Sql, living: Living, limit: number): Omit<StateOverview, 'worker'> {
  const value = (text: string, values?: Values) => sql.get(text, values)?.n ?? null;
  const number = (text: string, values?: Values) => Number(value(text, values));
  const time = (text: string, values?: Values) => value(text, values) as number | null;
  const countOf = (state: string) => number('SELECT COUNT(*) AS n FROM deliveries WHERE state = $state', { state });

  const atWork = claimedBy(living);
  const claimed = `state <> 'done' AND claimed_by IN (${atWork.names})`;
  const recording = `state = 'recording' AND claimed_by IN (${atWork.names})`;
  const partial = `state <> 'done' AND (claimed_by IS NULL OR claimed_by NOT IN (${atWork.names}))`;
  const unfinished = number(`SELECT COUNT(*) AS n FROM recordings WHERE state <> 'done'`);
  const known =
    number('SELECT COUNT(*) AS n FROM recordings') -
    number('SELECT COUNT(*) AS n FROM recordings WHERE created_at = 0');
  const claimedCount = number(`SELECT COUNT(*) AS n FROM recordings WHERE ${claimed}`, atWork.values);
  const recordingCount = number(`SELECT COUNT(*) AS n FROM recordings WHERE ${recording}`, atWork.values);
  const waiting = soonest(sql, Math.max(1, limit));
  return {
    counts: {
      recording: recordingCount,
      uploading: claimedCount - recordingCount,
      partial: unfinished - claimedCount,
      queued: number(`SELECT COUNT(*) AS n FROM queue WHERE state = 'waiting'`),
      refused: number(`SELECT COUNT(*) AS n FROM queue WHERE state = 'refused'`),
      done: known - unfinished,
      removed: number('SELECT COUNT(*) AS n FROM recordings WHERE local_removed_at IS NOT NULL'),
      waiting: countOf('pending'),
      held: countOf('held'),
      delivered: countOf('delivered'),
      superseded: countOf('superseded'),
    },
    uploads: sql
      .all(
        `SELECT * FROM (SELECT * FROM recordings WHERE ${claimed} ORDER BY unfinished_since LIMIT $limit)
         UNION ALL SELECT * FROM (SELECT * FROM recordings WHERE ${partial} ORDER BY unfinished_since LIMIT $limit)`,
        { ...atWork.values, limit },
      )
      .map(row => uploadOf(sql, row, living)),
    queued: queuedIn(sql, 'waiting', limit),
    refused: queuedIn(sql, 'refused', limit),
    held: sql
      .all(`SELECT * FROM deliveries WHERE state = 'held' ORDER BY settled_at LIMIT $limit`, { limit })
      .map(row => waitingOf(sql, row)),
    waiting: waiting.slice(0, limit).map(row => waitingOf(sql, row)),
    endpoints: sql
      .all('SELECT * FROM endpoints WHERE disabled_reason IS NOT NULL OR refused_at IS NOT NULL ORDER BY name')
      .map(toBlocked),
    nextAt: (waiting[0]?.next_at ?? null) as number | null,
    oldest: {
      partial: time(`SELECT unfinished_since AS n FROM recordings WHERE ${partial} ORDER BY 1 LIMIT 1`, atWork.values),
      upload: time(
        `SELECT unfinished_since AS n FROM recordings WHERE state <> 'done' AND NOT (${recording}) ORDER BY 1 LIMIT 1`,
        atWork.values,
      ),
      queued: time(`SELECT MIN(since) AS n FROM queue WHERE state = 'waiting'`),
      refused: time(`SELECT MIN(since) AS n FROM queue WHERE state = 'refused'`),
      // Numbers are given in the order in which deliveries are made.
      waiting: time(
        `SELECT created_at AS n FROM deliveries WHERE seq = (SELECT MIN(seq) FROM deliveries WHERE state = 'pending')`,
      ),
    },
  };
}

function queuedIn(sql: Sql, state: QueuedUpload['state'], limit: number): QueuedUpload[] {
  return sql
    .all('SELECT * FROM queue WHERE state = $state ORDER BY since LIMIT $limit', { state, limit })
    .map(toQueued);
}

/** Names and values of the living owners for `IN (…)`. If none lives, one empty name keeps the list from being empty. */
function claimedBy(living: Living): { names: string; values: Values } {
  const ids = living.size > 0 ? [...living.keys()] : [''];
  return {
    names: ids.map((_, index) => `$owner${index}`).join(', '),
    values: Object.fromEntries(ids.map((id, index) => [`owner${index}`, id])),
  };
}

/** The webhooks that are due first, over all endpoints; each endpoint has an order of its own. */
function soonest(sql: Sql, limit: number): Row[] {
  const rows: Row[] = [];
  let endpoint = '';
  for (;;) {
    // Left to itself, SQLite would choose another index and read every row.
    const next = sql.get(
      `SELECT MIN(endpoint) AS name FROM deliveries INDEXED BY deliveries_due
       WHERE state = 'pending' AND endpoint > $endpoint`,
      { endpoint },
    );
    if (typeof next?.name !== 'string') return rows.sort((a, b) => Number(a.next_at) - Number(b.next_at));
    endpoint = next.name;
    rows.push(
      ...sql.all(
        `SELECT * FROM deliveries INDEXED BY deliveries_due WHERE endpoint = $endpoint AND state = 'pending'
         ORDER BY next_at LIMIT $limit`,
        { endpoint, limit },
      ),
    );
  }
}

/** A recording in each bucket that it went to. */
function recordingsOf(sql: Sql, living: Living, id: string): RecordingStatus[] {
  return targets(sql).flatMap((target): RecordingStatus[] => {
    const row = sql.get('SELECT * FROM recordings WHERE target = $target AND id = $id AND created_at > 0', {
      target,
      id,
    });
    if (!row) return [];
    return [toStatus(row, uploadOf(sql, row, living))];
  });
}

/** Every bucket that recordings went to, from one index entry to the next. */
function targets(sql: Sql): string[] {
  const found: string[] = [];
  for (;;) {
    const next = sql.get('SELECT MIN(target) AS target FROM recordings WHERE target > $last', {
      last: found.at(-1) ?? '',
    });
    if (typeof next?.target !== 'string') return found;
    found.push(next.target);
  }
}

function uploadOf(sql: Sql, row: Row, living: Living): UnfinishedUpload {
  const [target, id] = [String(row.target), String(row.id)];
  const stored = sql.all('SELECT * FROM files WHERE target = $target AND recording_id = $id', { target, id });
  const open = sql.all(
    `SELECT u.*, (SELECT COUNT(*) FROM parts p WHERE p.target = u.target AND p.recording_id = u.recording_id
       AND p.name = u.name) AS done FROM multipart_uploads u WHERE target = $target AND recording_id = $id`,
    { target, id },
  );
  return toUpload(row, living.get(String(row.claimed_by)), progressOf(stored, open));
}

const waitingOf = (sql: Sql, row: Row) => toWaiting(row, lastAttempt(sql, Number(row.seq)));
