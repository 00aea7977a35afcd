import type { RecentRecording } from '../../core/status/overview.ts';
import type {
  Activity,
  ActivitySince,
  DeliveriesFilter,
  ListedDelivery,
  Page,
  RecordingsFilter,
} from '../../core/status/pages.ts';
import { containing, pageOf, parseCursor, toListed } from '../pages.ts';
import { lastAttempt } from './history.ts';
import { conditionOf, toRecentOf } from './recent.ts';
import type { Sql, Values } from './sql.ts';

/*
 * Within a read: the pages of `Overview`. A page begins behind a time and a row number, so that its cost does not grow
 * with the pages before it.
 */

/** @param living owners of claims on recordings that are alive */
export function recordingsPage(
  sql: Sql,
  { state, text, since, until, after, limit }: RecordingsFilter,
  living: ReadonlySet<string>,
): Page<RecentRecording> {
  const { where, values } = conditionOf(state, living);
  const parts: [condition: string, values: Values][] = [[where, values]];
  if (text) parts.push([`(id LIKE $text ESCAPE '!' OR title LIKE $text ESCAPE '!')`, { text: containing(text) }]);
  if (since !== undefined) parts.push(['updated_at >= $since', { since }]);
  if (until !== undefined) parts.push(['updated_at < $until', { until }]);
  const last = parseCursor(after);
  if (last) parts.push(['(updated_at, rowid) < ($lastAt, $lastRow)', last]);
  const rows = sql.all(
    `SELECT rowid AS row, * FROM recordings ${indexFor(state, text)} WHERE created_at > 0 AND ${parts.map(([one]) => one).join(' AND ')}
     ORDER BY updated_at DESC, rowid DESC LIMIT $limit`,
    { ...Object.assign({}, ...parts.map(([, one]) => one)), limit: limit + 1 },
  );
  const { entries, next } = pageOf(rows, limit, row => `${row.updated_at}.${row.row}`);
  return { entries: entries.map(row => toRecentOf(sql, row, living)), next };
}

/** Webhooks that are held or wait. */
export function deliveriesPage(
  sql: Sql,
  { state, endpoint, recordingId, after, limit }: DeliveriesFilter,
): Page<ListedDelivery> {
  const isHeld = state === 'held';
  const time = isHeld ? 'settled_at' : 'next_at';
  const parts: [condition: string, values: Values][] = [[`state = '${isHeld ? 'held' : 'pending'}'`, {}]];
  if (endpoint !== undefined) parts.push(['endpoint = $endpoint', { endpoint }]);
  if (recordingId !== undefined) parts.push(['recording_id = $recordingId', { recordingId }]);
  const last = parseCursor(after);
  if (last) parts.push([`(${time}, seq) ${isHeld ? '<' : '>'} ($lastAt, $lastRow)`, last]);
  const order = isHeld ? 'DESC' : 'ASC';
  const rows = sql.all(
    `SELECT seq, webhook_id, recording_id, endpoint, state, held_reason, attempts, created_at, settled_at, next_at
     FROM deliveries WHERE ${parts.map(([one]) => one).join(' AND ')}
     ORDER BY ${time} ${order}, seq ${order} LIMIT $limit`,
    { ...Object.assign({}, ...parts.map(([, one]) => one)), limit: limit + 1 },
  );
  const { entries, next } = pageOf(rows, limit, row => `${row[time]}.${row.seq}`);
  return { entries: entries.map(row => toListed(row, lastAttempt(sql, Number(row.seq)))), next };
}

/** What was finished since. */
export function activityIn(sql: Sql, { doneSince, bytesSince }: ActivitySince): Activity {
  const done = sql.get(
    `SELECT COUNT(*) AS n FROM recordings WHERE created_at > 0 AND updated_at >= $doneSince AND state = 'done'`,
    { doneSince },
  );
  const minutes = sql.all(
    `SELECT updated_at / 60000 AS minute, SUM(size) AS bytes FROM files
     WHERE state = 'uploaded' AND updated_at >= $bytesSince GROUP BY 1 ORDER BY 1`,
    { bytesSince },
  );
  return {
    done: Number(done?.n),
    minutes: minutes.map(({ minute, bytes }) => ({ minute: Number(minute), bytes: Number(bytes) })),
  };
}

/** Left to itself, SQLite would read the row of each recording to look at its title, or at its state. */
function indexFor(state: RecordingsFilter['state'], text: string | undefined): string {
  if (text) return 'INDEXED BY recordings_searched';
  return state === 'partial' ? 'INDEXED BY recordings_since' : '';
}
