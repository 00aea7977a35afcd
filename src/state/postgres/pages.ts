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
import { conditionOf, type Living, recordingRows, toRecentOf } from './recent.ts';
import type { Row, Sql, Values } from './sql.ts';

/*
 * Within a read: the pages of `Overview`. A page begins behind a place in the order of an index, so that its cost does not
 * grow with the pages before it.
 */

export async function recordingsPage(
  sql: Sql,
  { text, since, until, after, limit, ...filter }: RecordingsFilter,
  living: Living,
): Promise<Page<RecentRecording>> {
  const { where, values } = conditionOf(filter, living);
  const parts: [condition: string, values: Values][] = [[where, values]];
  if (text) parts.push([`(id ILIKE $text ESCAPE '!' OR title ILIKE $text ESCAPE '!')`, { text: containing(text) }]);
  if (since !== undefined) parts.push(['updated_at >= $since', { since }]);
  if (until !== undefined) parts.push(['updated_at < $until', { until }]);
  const last = parsePlace(after);
  if (last) parts.push(['(updated_at, target, id) < ($lastAt, $lastTarget, $lastId)', last]);
  const rows = await recordingRows(sql, parts.map(([one]) => one).join(' AND '), {
    ...Object.assign({}, ...parts.map(([, one]) => one)),
    limit: limit + 1,
  });
  const { entries, next } = pageOf(rows, limit, placeOf);
  return { entries: entries.map(row => toRecentOf(row, living)), next };
}

/** Webhooks that are held or wait. */
export async function deliveriesPage(
  sql: Sql,
  { state, endpoint, recordingId, after, limit }: DeliveriesFilter,
): Promise<Page<ListedDelivery>> {
  const isHeld = state === 'held';
  const time = isHeld ? 'settled_at' : 'next_at';
  const parts: [condition: string, values: Values][] = [[`state = '${isHeld ? 'held' : 'pending'}'`, {}]];
  if (endpoint !== undefined) parts.push(['endpoint = $endpoint', { endpoint }]);
  if (recordingId !== undefined) parts.push(['recording_id = $recordingId', { recordingId }]);
  const last = parseCursor(after);
  if (last) parts.push([`(${time}, seq) ${isHeld ? '<' : '>'} ($lastAt, $lastRow)`, last]);
  const order = isHeld ? 'DESC' : 'ASC';
  const rows = await sql.all(
    `WITH page AS MATERIALIZED (
       SELECT seq, webhook_id, recording_id, endpoint, state, held_reason, attempts, created_at, settled_at, next_at
       FROM deliveries WHERE ${parts.map(([one]) => one).join(' AND ')}
       ORDER BY ${time} ${order}, seq ${order} LIMIT $limit
     ) SELECT page.*, last.error, last.status FROM page LEFT JOIN LATERAL (
       SELECT error, status FROM attempts WHERE delivery = page.seq ORDER BY number DESC LIMIT 1) AS last ON TRUE
     ORDER BY ${time} ${order}, seq ${order}`,
    { ...Object.assign({}, ...parts.map(([, one]) => one)), limit: limit + 1 },
  );
  const { entries, next } = pageOf(rows, limit, row => `${row[time]}.${row.seq}`);
  return { entries: entries.map(row => toListed(row, row)), next };
}

/** What was finished since. */
export async function activityIn(sql: Sql, { doneSince, bytesSince }: ActivitySince): Promise<Activity> {
  const done = await sql.get(
    `SELECT COUNT(*) AS n FROM recordings WHERE created_at > 0 AND updated_at >= $doneSince AND state = 'done'`,
    { doneSince },
  );
  const minutes = await sql.all(
    `SELECT updated_at / 60000 AS minute, SUM(size) AS bytes FROM files
     WHERE state = 'uploaded' AND updated_at >= $bytesSince GROUP BY 1 ORDER BY 1`,
    { bytesSince },
  );
  return {
    done: Number(done?.n),
    minutes: minutes.map(({ minute, bytes }) => ({ minute: Number(minute), bytes: Number(bytes) })),
  };
}

/** Where the next page of recordings begins: behind this one. */
function placeOf({ updated_at: at, target, id }: Row): string {
  return `${at}.${Buffer.from(JSON.stringify([target, id])).toString('base64url')}`;
}

function parsePlace(after: string | undefined): { lastAt: number; lastTarget: string; lastId: string } | undefined {
  const [, at, key] = /^(\d{1,15})\.([\w-]+)$/.exec(after ?? '') ?? [];
  if (at === undefined || key === undefined) return undefined;
  try {
    const [target, id] = JSON.parse(Buffer.from(key, 'base64url').toString()) as unknown[];
    if (typeof target !== 'string' || typeof id !== 'string') return undefined;
    return { lastAt: Number(at), lastTarget: target, lastId: id };
  } catch {
    return undefined;
  }
}
