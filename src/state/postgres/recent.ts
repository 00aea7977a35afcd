import type { RecentFilter, RecentRecording } from '../../core/status/overview.ts';
import { toRecent } from '../overview-rows.ts';
import { textArray } from './arrays.ts';
import type { Owner } from './liveness.ts';
import type { Row, Sql, Values } from './sql.ts';

/** Owners of claims that are alive, by id. */
export type Living = ReadonlyMap<string, Owner>;

/** Of a page of `recordings`: what a line of a list shows beside it. One statement for all of them. */
const SHOWN = `SELECT page.*, stored.files, stored.bytes, webhooks.all_of_them FROM page
  CROSS JOIN LATERAL (
    SELECT COUNT(*) AS files, COALESCE(SUM(size), 0) AS bytes FROM files
    WHERE files.target = page.target AND files.recording_id = page.id AND files.state = 'uploaded') AS stored
  CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(endpoint, deliveries.state) ORDER BY seq) AS all_of_them FROM deliveries
    WHERE deliveries.recording_id = page.id) AS webhooks
  ORDER BY page.updated_at DESC, page.target DESC, page.id DESC`;
const COLUMNS = 'target, id, machine, dir, details, state, updated_at, claimed_by, local_removed_at';

/** Within a read: `Overview.recent`. */
export async function recentRecordings(
  sql: Sql,
  { since = 0, limit, ...filter }: RecentFilter,
  living: Living,
): Promise<RecentRecording[]> {
  const { where, values } = conditionOf(filter, living);
  const rows = await recordingRows(sql, `updated_at >= $since AND ${where}`, { ...values, since, limit });
  return rows.map(row => toRecentOf(row, living));
}

/** Rows of recordings for `toRecentOf`, those that were touched last first. @param values with the `limit` */
export function recordingRows(sql: Sql, where: string, values: Values): Promise<Row[]> {
  return sql.all(
    `WITH page AS MATERIALIZED (
       SELECT ${COLUMNS} FROM recordings WHERE created_at > 0 AND ${where}
       ORDER BY updated_at DESC, target DESC, id DESC LIMIT $limit
     ) ${SHOWN}`,
    values,
  );
}

/** The condition for recordings in a state, and of a machine. */
export function conditionOf(
  { state, machine }: Pick<RecentFilter, 'state' | 'machine'>,
  living: Living,
): { where: string; values: Values } {
  const { where, values } = conditionOfState(state, living);
  if (machine === undefined) return { where, values };
  return { where: `machine = $machine AND ${where}`, values: { ...values, machine } };
}

function conditionOfState(state: RecentFilter['state'], living: Living): { where: string; values: Values } {
  const values = { living: textArray([...living.keys()]) };
  const isClaimed = 'claimed_by = ANY($living::text[])';
  const hasDelivery = (wanted: string) => `id IN (SELECT recording_id FROM deliveries WHERE state = '${wanted}')`;
  switch (state) {
    case undefined:
      return { where: 'TRUE', values: {} };
    case 'done':
      return { where: `state = 'done'`, values: {} };
    case 'recording':
      return { where: `state = 'recording' AND ${isClaimed}`, values };
    case 'uploading':
      return { where: `state <> 'done' AND state <> 'recording' AND ${isClaimed}`, values };
    case 'partial':
      return { where: `state <> 'done' AND (claimed_by IS NULL OR NOT ${isClaimed})`, values };
    case 'waiting':
      return { where: hasDelivery('pending'), values: {} };
    case 'held':
      return { where: hasDelivery('held'), values: {} };
  }
}

/** One line of a list. @throws SyntaxError if the recording's details are no JSON */
export function toRecentOf(row: Row, living: Living): RecentRecording {
  const recent = toRecent(row, {
    isAtWork: living.has(String(row.claimed_by)),
    stored: row,
    webhooks: JSON.parse(String(row.all_of_them ?? '[]')) as [string, string][],
  });
  return { ...recent, machine: String(row.machine) };
}
