import type { StateOverview } from '../state/sqlite/overview.ts';

/** Something that an operator should know of. */
export type Alarm =
  /** Webhooks that wait for an operator. */
  | { kind: 'held'; count: number }
  /** A webhook has been waiting for longer than allowed. */
  | { kind: 'old-webhook'; ageMs: number }
  /** Uploads that broke off, and that nobody is at work on. */
  | { kind: 'partial'; count: number }
  /** An upload has been unfinished for longer than allowed. */
  | { kind: 'old-upload'; ageMs: number };

/**
 * What is wrong. A held webhook always is. With `maxAgeMs` so is whatever is unfinished for longer (at work or not);
 * without it every upload that broke off. A webhook that is only waiting for its next try is well until it is too old.
 */
export function findAlarms(
  { counts, oldest }: Pick<StateOverview, 'counts' | 'oldest'>,
  { maxAgeMs, now }: { maxAgeMs: number | undefined; now: number },
): Alarm[] {
  const alarms: Alarm[] = [];
  if (counts.held > 0) alarms.push({ kind: 'held', count: counts.held });
  if (maxAgeMs === undefined) {
    if (counts.partial > 0) alarms.push({ kind: 'partial', count: counts.partial });
    return alarms;
  }
  const isOld = (since: number | null): since is number => since !== null && now - since > maxAgeMs;
  if (isOld(oldest.upload)) alarms.push({ kind: 'old-upload', ageMs: now - oldest.upload });
  if (isOld(oldest.waiting)) alarms.push({ kind: 'old-webhook', ageMs: now - oldest.waiting });
  return alarms;
}
