import type { RecentFilter, RecentRecording } from '../../core/status/overview.ts';
import { toRecent } from '../overview-rows.ts';
import type { Row, Sql, Values } from './sql.ts';

/**
 * Within a read: `Overview.recent`.
 * @param living owners of claims on recordings that are alive
 */
export function recentRecordings(
  sql: Sql,
  { state, since = 0, limit }: RecentFilter,
  living: ReadonlySet<string>,
): RecentRecording[] {
  const { where, values } = conditionOf(state, living);
  return sql
    .all(
      `SELECT * FROM recordings WHERE created_at > 0 AND updated_at >= $since AND ${where}
       ORDER BY updated_at DESC LIMIT $limit`,
      { ...values, since, limit },
    )
    .map(row => toRecentOf(sql, row, living));
}

/** The condition for recordings in a state. */
export function conditionOf(
  state: RecentFilter['state'],
  living: ReadonlySet<string>,
): { where: string; values: Values } {
  // If no owner lives, one empty name keeps the list from being empty.
  const ids = living.size > 0 ? [...living] : [''];
  const names = ids.map((_, index) => `$owner${index}`).join(', ');
  const values = Object.fromEntries(ids.map((id, index) => [`owner${index}`, id]));
  const hasDelivery = (wanted: string) => `id IN (SELECT recording_id FROM deliveries WHERE state = '${wanted}')`;
  switch (state) {
    case undefined:
      return { where: '1 = 1', values: {} };
    case 'done':
      return { where: `state = 'done'`, values: {} };
    case 'recording':
      return { where: `state = 'recording' AND claimed_by IN (${names})`, values };
    case 'uploading':
      return { where: `state NOT IN ('done', 'recording') AND claimed_by IN (${names})`, values };
    case 'partial':
      return { where: `state <> 'done' AND (claimed_by IS NULL OR claimed_by NOT IN (${names}))`, values };
    case 'waiting':
      return { where: hasDelivery('pending'), values: {} };
    case 'held':
      return { where: hasDelivery('held'), values: {} };
  }
}

/** One line of a list. */
export function toRecentOf(sql: Sql, row: Row, living: ReadonlySet<string>): RecentRecording {
  const [target, id] = [String(row.target), String(row.id)];
  const stored = sql.get(
    `SELECT COUNT(*) AS files, COALESCE(SUM(size), 0) AS bytes FROM files
     WHERE target = $target AND recording_id = $id AND state = 'uploaded'`,
    { target, id },
  );
  const deliveries = sql.all('SELECT endpoint, state FROM deliveries WHERE recording_id = $id ORDER BY seq', { id });
  return toRecent(row, {
    isAtWork: typeof row.claimed_by === 'string' && living.has(row.claimed_by),
    stored,
    webhooks: deliveries.map(one => [String(one.endpoint), String(one.state)] as const),
  });
}
