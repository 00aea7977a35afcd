import type { Alarm } from '../app/alarms.ts';
import type { StateOverview } from '../state/sqlite/overview.ts';
import type { DeliveryHistory, RecordingStatus } from '../state/sqlite/recording-status.ts';

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/** The overview as scripts see it; the same form where there is no state yet. */
export function overviewJson(
  overview: StateOverview | undefined,
  alarms: readonly Alarm[],
  { stateDir, hasState }: { stateDir: string; hasState: boolean },
) {
  const none = { uploading: 0, partial: 0, done: 0, waiting: 0, held: 0, delivered: 0, superseded: 0 };
  const { uploads = [], held = [], waiting = [], endpoints = [] } = overview ?? {};
  return {
    stateDir,
    hasState,
    counts: overview?.counts ?? none,
    alarms,
    nextTry: iso(overview?.nextAt ?? null),
    oldest: {
      upload: iso(overview?.oldest.upload ?? null),
      partial: iso(overview?.oldest.partial ?? null),
      waiting: iso(overview?.oldest.waiting ?? null),
    },
    uploads: uploads.map(({ since, updatedAt, ...rest }) => ({
      ...rest,
      since: iso(since),
      updatedAt: iso(updatedAt),
    })),
    webhooks: [...held, ...waiting].map(({ since, nextAt, ...rest }) => ({
      ...rest,
      since: iso(since),
      nextTry: iso(nextAt),
    })),
    endpoints: endpoints.map(({ since, ...rest }) => ({ ...rest, since: iso(since) })),
  };
}

/** One recording as scripts see it. */
export function recordingJson(
  id: string,
  { recordings, deliveries }: { recordings: readonly RecordingStatus[]; deliveries: readonly DeliveryHistory[] },
) {
  return {
    recordingId: id,
    uploads: recordings.map(({ since, updatedAt, metadata, ...rest }) => ({
      ...rest,
      since: iso(since),
      updatedAt: iso(updatedAt),
      metadata: metadata === null ? null : parsed(metadata),
    })),
    webhooks: deliveries.map(({ delivery, attempts }) => ({
      webhookId: delivery.webhookId,
      endpoint: delivery.endpoint,
      state: delivery.state === 'pending' ? 'waiting' : delivery.state,
      heldReason: delivery.heldReason,
      createdAt: iso(delivery.createdAt),
      nextTry: delivery.state === 'pending' ? iso(delivery.nextAt) : null,
      settledAt: iso(delivery.settledAt),
      payload: parsed(delivery.payload),
      attempts: attempts.map(({ at, ...attempt }) => ({ ...attempt, at: iso(at) })),
    })),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
