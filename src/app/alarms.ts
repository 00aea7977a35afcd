import type { StateOverview } from '../core/status/overview.ts';

/** Something that an operator should know about. */
export type Alarm =
  /** Webhooks that wait for an operator. */
  | { kind: 'held'; count: number }
  /** Endpoints at which webhooks wait, and that have no token. */
  | { kind: 'no-token'; count: number }
  /** A webhook has been waiting for longer than allowed. */
  | { kind: 'old-webhook'; ageMs: number }
  /** Folders that were refused before anything of them was sent. */
  | { kind: 'refused'; count: number }
  /** The upload of a folder was asked for longer ago than allowed, and has not begun. */
  | { kind: 'old-queued'; ageMs: number }
  /** Uploads that broke off and that no process works on. */
  | { kind: 'partial'; count: number }
  /** An upload has been unfinished for longer than allowed. */
  | { kind: 'old-upload'; ageMs: number };

/**
 * Finds what is wrong. Held webhooks, and those for which there is no token, always count. With `maxAgeMs`, uploads and webhooks count once they have been
 * unfinished for longer, even if a process works on them. Without it, every upload that broke off or was refused counts;
 * a folder that waits for its upload does not, nor does a webhook that waits for its next attempt.
 */
export function findAlarms(
  { counts, oldest, endpoints }: Pick<StateOverview, 'counts' | 'oldest' | 'endpoints'>,
  { maxAgeMs, now }: { maxAgeMs: number | undefined; now: number },
): Alarm[] {
  const alarms: Alarm[] = [];
  if (counts.held > 0) alarms.push({ kind: 'held', count: counts.held });
  const tokenless = endpoints.filter(({ isTokenless }) => isTokenless).length;
  if (tokenless > 0) alarms.push({ kind: 'no-token', count: tokenless });
  if (maxAgeMs === undefined) {
    if (counts.partial > 0) alarms.push({ kind: 'partial', count: counts.partial });
    if (counts.refused > 0) alarms.push({ kind: 'refused', count: counts.refused });
    return alarms;
  }
  const isOld = (since: number | null): since is number => since !== null && now - since > maxAgeMs;
  if (isOld(oldest.refused)) alarms.push({ kind: 'refused', count: counts.refused });
  if (isOld(oldest.queued)) alarms.push({ kind: 'old-queued', ageMs: now - oldest.queued });
  if (isOld(oldest.upload)) alarms.push({ kind: 'old-upload', ageMs: now - oldest.upload });
  if (isOld(oldest.waiting)) alarms.push({ kind: 'old-webhook', ageMs: now - oldest.waiting });
  return alarms;
}
