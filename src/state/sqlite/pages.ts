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
  parseCursor,
  searchedPage,
  toListed,
  valuesIn,
} from '../pages.ts';
import { lastAttempt } from './history.ts';
import { conditionOf, toRecentOf } from './recent.ts';
import type { Row, Sql, Values } from './sql.ts';

/*
 * Within a read: the pages of `Overview`. A page begins behind a time and a row number, so that its cost does not grow
 * with the pages before it.
 */

/** How many recordings a page looks for a text in. A million recordings take SQLite 0.15 s on two cores: all that is looked at is in an index. */
const MOST_SEARCHED = 2_000_000;

/** @param living owners of claims on recordings that are alive */
export function recordingsPage(
  sql: Sql,
  { state, text, since, until, after, limit, searchAtMost = MOST_SEARCHED }: RecordingsFilter,
  living: ReadonlySet<string>,
): Page<RecentRecording> {
  const { where, values } = conditionOf(state, living);
  const parts: Part<Values>[] = [[where, values]];
  if (since !== undefined) parts.push(['updated_at >= $since', { since }]);
  if (until !== undefined) parts.push(['updated_at < $until', { until }]);
  const last = parseCursor(after);
  if (last) parts.push(['(updated_at, rowid) < ($lastAt, $lastRow)', last]);
  const indexed = indexFor(state, text);
  const rowsOf = (all: readonly Part<Values>[], index = indexed) =>
    sql.all(
      `SELECT rowid AS row, * FROM recordings ${index} WHERE created_at > 0 AND ${conditionIn(all)}
       ORDER BY updated_at DESC, rowid DESC LIMIT $limit`,
      { ...valuesIn(all), limit: limit + 1 },
    );
  const placeOf = (row: Row) => `${row.updated_at}.${row.row}`;
  const toEntries = ({ entries, ...page }: Page<Row>) => ({
    ...page,
    entries: entries.map(row => toRecentOf(sql, row, living)),
  });
  if (!text) return toEntries(pageOf(rowsOf(parts), limit, placeOf));
  const bound = boundOf(
    sql.all(
      `SELECT rowid AS row, updated_at FROM recordings ${indexed} WHERE created_at > 0 AND ${conditionIn(parts)}
       ORDER BY updated_at DESC, rowid DESC LIMIT 2 OFFSET $most`,
      { ...valuesIn(parts), most: searchAtMost - 1 },
    ),
  );
  const like: Part<Values> = [`(id LIKE $text ESCAPE '!' OR title LIKE $text ESCAPE '!')`, { text: containing(text) }];
  if (!bound) return toEntries(pageOf(rowsOf([...parts, like]), limit, placeOf));
  const place = { boundAt: Number(bound.updated_at), boundRow: Number(bound.row) };
  const within = (how: string): Part<Values> => [`(updated_at, rowid) ${how} ($boundAt, $boundRow)`, place];
  const page = pageOf(rowsOf([...parts, within('>='), like]), limit, placeOf);
  const exact = last ? [] : rowsOf([...parts, within('<'), ['id = $exact', { exact: text }]], '');
  return toEntries(searchedPage(page, bound, exact.slice(0, limit), placeOf));
}

/** Webhooks that are held or wait. */
export function deliveriesPage(sql: Sql, { limit, ...filter }: DeliveriesFilter): Page<ListedDelivery> {
  const { parts, time, order } = deliveriesIn(filter);
  const rows = sql.all(
    `SELECT seq, webhook_id, recording_id, endpoint, state, held_reason, attempts, created_at, settled_at, next_at
     FROM deliveries WHERE ${conditionIn(parts)}
     ORDER BY ${time} ${order}, seq ${order} LIMIT $limit`,
    { ...valuesIn(parts), limit: limit + 1 },
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
