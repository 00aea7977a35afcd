import type { Measures } from '../status/measures.ts';
import type { StateOverview } from '../status/overview.ts';

/*
 * What somebody should be told about: one cause, however many recordings it concerns. A dead server is one cause, and so
 * is a full bucket.
 */

/** Events that alerts can be about, in the order of the documentation. */
export const ALERT_EVENTS = ['held', 'exhausted', 'disabled', 'stuck', 'failed', 'recovered'] as const;
export type AlertEvent = (typeof ALERT_EVENTS)[number];

/** Something that is wrong. */
export interface Cause {
  /** The same as long as it is the same cause. */
  key: string;
  event: Exclude<AlertEvent, 'recovered'>;
  /** What is wrong, as the end of a sentence: `2 webhooks to default are held (rejected)`. */
  text: string;
  /** How many recordings or webhooks it concerns; null where that is not counted. */
  count: number | null;
}

/** An upload that broke off is tried again within minutes; only one that stays so is a failure. */
const BROKEN_OFF_MS = 10 * 60_000;

/**
 * Finds what is wrong.
 * @param options.stuckAfterMs work that has been unfinished for longer is stuck
 * @param options.now milliseconds since 1970
 */
export function findCauses(
  overview: Pick<StateOverview, 'counts' | 'oldest' | 'endpoints' | 'refused'>,
  held: Measures['held'],
  { stuckAfterMs, now }: { stuckAfterMs: number; now: number },
): Cause[] {
  const { counts, oldest, endpoints, refused } = overview;
  const isOlder = (since: number | null, ageMs: number): since is number => since !== null && now - since > ageMs;
  const causes: Cause[] = endpoints.map(({ name, reason, hasSender }) => ({
    key: `disabled:${name}`,
    event: 'disabled',
    text: hasSender ? `endpoint ${name} ${reason}` : `no webhook is sent to ${name}: ${reason}`,
    count: null,
  }));
  for (const { endpoint, reason, count } of held) {
    // They are held because of the endpoint, which has a cause of its own.
    if ((reason === 'refused' || reason === 'disabled') && endpoints.some(({ name }) => name === endpoint)) continue;
    const isExhausted = reason === 'exhausted';
    causes.push({
      key: isExhausted ? `exhausted:${endpoint}` : `held:${endpoint}:${reason}`,
      event: isExhausted ? 'exhausted' : 'held',
      text: isExhausted
        ? `${webhooks(count)} to ${endpoint} ${are(count)} held after three days of tries`
        : `${webhooks(count)} to ${endpoint} ${are(count)} held (${reason})`,
      count,
    });
  }
  for (const [reason, entries] of Map.groupBy(refused, withoutNames)) {
    const { length } = entries;
    causes.push({
      key: `failed:refused:${reason}`,
      event: 'failed',
      text: `${length} ${length === 1 ? 'recording was' : 'recordings were'} refused: ${reason}`,
      count: length,
    });
  }
  if (isOlder(oldest.partial, BROKEN_OFF_MS)) {
    const { partial } = counts;
    causes.push({
      key: 'failed:partial',
      event: 'failed',
      text: `${partial} ${partial === 1 ? 'upload' : 'uploads'} broke off and could not be finished`,
      count: partial,
    });
  }
  const stuck = { upload: oldest.upload, queued: oldest.queued, webhook: oldest.waiting };
  for (const [kind, since] of Object.entries(stuck) as [keyof typeof STUCK, number | null][]) {
    if (!isOlder(since, stuckAfterMs)) continue;
    causes.push({ key: `stuck:${kind}`, event: 'stuck', text: STUCK[kind], count: null });
  }
  return causes;
}

const STUCK = {
  upload: 'an upload does not get finished',
  queued: 'an upload does not begin',
  webhook: 'webhooks do not reach the server',
};

/** The reason without the folder's name, so that many folders with the same flaw are one cause. */
function withoutNames({ dir, recordingId, reason }: StateOverview['refused'][number]): string {
  const name = dir.split(/[\\/]/).at(-1) ?? '';
  const names = [dir, name, recordingId].filter(text => text !== '');
  return names.reduce((text, one) => text.replaceAll(one, '…'), reason ?? 'no reason is known');
}

function webhooks(count: number): string {
  return `${count} ${count === 1 ? 'webhook' : 'webhooks'}`;
}

function are(count: number): string {
  return count === 1 ? 'is' : 'are';
}
