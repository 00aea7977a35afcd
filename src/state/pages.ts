import type { HeldReason } from '../core/delivery/delivery.ts';
import type { DeliveriesFilter, ListedDelivery, Page } from '../core/status/pages.ts';
import type { Row } from './rows.ts';

/*
 * The pages of `Overview`, whichever database their rows are from. A page begins behind a place in the order of an index,
 * so that its cost does not grow with the pages before it.
 */

/** `%text%` for LIKE, with its own wildcards escaped by `!`. */
export function containing(text: string): string {
  return `%${text.replace(/[%_!]/g, '!$&')}%`;
}

/** A condition of a statement, and the values that it names. */
export type Part<Values> = readonly [condition: string, values: Values];

export function conditionIn(parts: readonly Part<unknown>[]): string {
  return parts.map(([condition]) => condition).join(' AND ');
}

export function valuesIn<Values>(parts: readonly Part<Values>[]): Values {
  return Object.assign({}, ...parts.map(([, values]) => values)) as Values;
}

/** Where a page begins, of those whose place is a time and a row number; undefined: with the first row. */
export function parseCursor(after: string | undefined): { lastAt: number; lastRow: number } | undefined {
  const [, at, row] = /^(\d{1,15})\.(\d{1,15})$/.exec(after ?? '') ?? [];
  return at === undefined ? undefined : { lastAt: Number(at), lastRow: Number(row) };
}

/** @param rows one more than a page was asked for: that there is a next page, and nothing else */
export function pageOf<R extends Row>(rows: readonly R[], limit: number, cursorOf: (row: R) => string): Page<R> {
  const entries = rows.slice(0, limit);
  const last = entries.at(-1);
  return { entries, next: last && rows.length > limit ? cursorOf(last) : undefined };
}

/**
 * The last row that a search looks at; undefined: it looks at all.
 * @param rows the one at the search's bound, and the next one, as far as there are such
 */
export function boundOf<R extends Row>(rows: readonly R[]): R | undefined {
  return rows.length > 1 ? rows[0] : undefined;
}

/** The page of a search that ended before the last row: with the one whose ID is what was looked for, if that is older. */
export function searchedPage<R extends Row>(
  page: Page<R>,
  last: R,
  exact: readonly R[],
  cursorOf: (row: R) => string,
): Page<R> {
  if (page.next !== undefined) return page;
  return { entries: [...page.entries, ...exact], next: cursorOf(last), searchedTo: Number(last.updated_at) };
}

/** Which webhooks a page lists, and in which order of `time` and `seq`: the held ones newest first, the others by when they are due. */
export function deliveriesIn({ state, endpoint, recordingId, after }: Omit<DeliveriesFilter, 'limit'>): {
  parts: readonly Part<Record<string, string | number>>[];
  time: 'settled_at' | 'next_at';
  order: 'ASC' | 'DESC';
} {
  const isHeld = state === 'held';
  const time = isHeld ? 'settled_at' : 'next_at';
  const parts: Part<Record<string, string | number>>[] = [[`state = '${isHeld ? 'held' : 'pending'}'`, {}]];
  if (endpoint !== undefined) parts.push(['endpoint = $endpoint', { endpoint }]);
  if (recordingId !== undefined) parts.push(['recording_id = $recordingId', { recordingId }]);
  const last = parseCursor(after);
  if (last) parts.push([`(${time}, seq) ${isHeld ? '<' : '>'} ($lastAt, $lastRow)`, last]);
  return { parts, time, order: isHeld ? 'DESC' : 'ASC' };
}

/** A row of `deliveries` in a list. @param last the row of its last attempt; undefined: there was none */
export function toListed(row: Row, last: Row | undefined): ListedDelivery {
  const isHeld = row.state === 'held';
  return {
    seq: Number(row.seq),
    webhookId: String(row.webhook_id),
    recordingId: String(row.recording_id),
    endpoint: String(row.endpoint),
    state: isHeld ? 'held' : 'waiting',
    heldReason: row.held_reason as HeldReason | null,
    attempts: Number(row.attempts),
    createdAt: Number(row.created_at),
    heldAt: isHeld ? Number(row.settled_at) : null,
    nextAt: isHeld ? null : Number(row.next_at),
    error: (last?.error ?? null) as string | null,
    status: (last?.status ?? null) as number | null,
  };
}
