import type { RecentRecording } from '../../core/status/overview.ts';
import type {
  Activity,
  ActivitySince,
  DeliveriesFilter,
  ListedDelivery,
  Page,
  RecordingsFilter,
} from '../../core/status/pages.ts';
import {
  boundOf,
  conditionIn,
  containing,
  deliveriesIn,
  type Part,
  pageOf,
  searchedPage,
  toListed,
  valuesIn,
} from '../pages.ts';
import { conditionOf, type Living, recordingRows, toRecentOf } from './recent.ts';
import type { Row, Sql, Values } from './sql.ts';

/*
 * Within a read: the pages of `Overview`. A page begins behind a place in the order of an index, so that its cost does not
 * grow with the pages before it.
 */

/** How many recordings a page looks for a text in. A million recordings take PostgreSQL 1.3 s on two cores: each row is read for its title. */
const MOST_SEARCHED = 200_000;

export async function recordingsPage(
  sql: Sql,
  { text, since, until, after, limit, searchAtMost = MOST_SEARCHED, ...filter }: RecordingsFilter,
  living: Living,
): Promise<Page<RecentRecording>> {
  const { where, values } = conditionOf(filter, living);
  const parts: Part<Values>[] = [[where, values]];
  if (since !== undefined) parts.push(['updated_at >= $since', { since }]);
  if (until !== undefined) parts.push(['updated_at < $until', { until }]);
  const last = parsePlace(after);
  if (last) parts.push(['(updated_at, target, id) < ($lastAt, $lastTarget, $lastId)', last]);
  const rowsOf = (all: readonly Part<Values>[]) =>
    recordingRows(sql, conditionIn(all), { ...valuesIn(all), limit: limit + 1 });
  const toEntries = ({ entries, ...page }: Page<Row>) => ({
    ...page,
    entries: entries.map(row => toRecentOf(row, living)),
  });
  if (!text) return toEntries(pageOf(await rowsOf(parts), limit, placeOf));
  const bound = boundOf(
    await sql.all(
      `SELECT updated_at, target, id FROM recordings WHERE created_at > 0 AND ${conditionIn(parts)}
       ORDER BY updated_at DESC, target DESC, id DESC OFFSET $most LIMIT 2`,
      { ...valuesIn(parts), most: searchAtMost - 1 },
    ),
  );
  const like: Part<Values> = [
    `(id ILIKE $text ESCAPE '!' OR title ILIKE $text ESCAPE '!')`,
    { text: containing(text) },
  ];
  if (!bound) return toEntries(pageOf(await rowsOf([...parts, like]), limit, placeOf));
  const place = { boundAt: Number(bound.updated_at), boundTarget: String(bound.target), boundId: String(bound.id) };
  const within = (how: string): Part<Values> => [
    `(updated_at, target, id) ${how} ($boundAt, $boundTarget, $boundId)`,
    place,
  ];
  const page = pageOf(await rowsOf([...parts, within('>='), like]), limit, placeOf);
  const exact = last ? [] : await rowsOf([...parts, within('<'), ['id = $exact', { exact: text }]]);
  return toEntries(searchedPage(page, bound, exact.slice(0, limit), placeOf));
}

/** Webhooks that are held or wait. */
export async function deliveriesPage(sql: Sql, { limit, ...filter }: DeliveriesFilter): Promise<Page<ListedDelivery>> {
  const { parts, time, order } = deliveriesIn(filter);
  const rows = await sql.all(
    `WITH page AS MATERIALIZED (
       SELECT seq, webhook_id, recording_id, endpoint, state, held_reason, attempts, created_at, settled_at, next_at
       FROM deliveries WHERE ${conditionIn(parts)}
       ORDER BY ${time} ${order}, seq ${order} LIMIT $limit
     ) SELECT page.*, last.error, last.status FROM page LEFT JOIN LATERAL (
       SELECT error, status FROM attempts WHERE delivery = page.seq ORDER BY number DESC LIMIT 1) AS last ON TRUE
     ORDER BY ${time} ${order}, seq ${order}`,
    { ...valuesIn(parts), limit: limit + 1 },
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
