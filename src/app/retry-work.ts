import type { Delivery } from '../core/delivery/delivery.ts';
import { parseRecordingId } from '../core/recording/recording.ts';
import { targetOf } from '../core/storage/target.ts';
import type { StoredRecording } from '../core/upload/journal.ts';
import type { QueuedUpload } from '../core/upload/queue.ts';
import { chooseEndpoints, findUnconfigured } from './endpoints.ts';
import type { Runtime } from './runtime.ts';
import { isKnown, unknownRecording } from './unknown-recording.ts';

export interface RetryRequest {
  /** Only these recordings; none: all. */
  ids: readonly string[];
  /** Also send webhooks that are not due yet. */
  now: boolean;
  /** Also send webhooks that are held. */
  held: boolean;
  /** Only webhooks of this endpoint. */
  endpoint?: string | undefined;
}

/** What a retry has to do. */
export interface Work {
  unfinished: StoredRecording[];
  /** Folders whose upload has not begun; waiting or refused. */
  queue: QueuedUpload[];
  /** The recordings that were asked for; none: all. */
  ids: string[];
  /** Names. */
  endpoints: string[];
}

/** @throws AppError `USAGE`, `STATE` */
export async function findWork({ ids: texts, endpoint }: RetryRequest, runtime: Runtime): Promise<Work> {
  const ids = texts.map(text => parseRecordingId(text, 'id', 'USAGE'));
  const endpoints = chooseEndpoints(runtime, endpoint).map(({ name }) => name);
  const { config } = runtime;
  const { journal, queue, overview } = await runtime.state();
  for (const id of ids) {
    if (!(await isKnown(id, overview))) throw unknownRecording(id);
  }
  const all = await journal.unfinished(targetOf(config));
  const isWanted = (id: string) => ids.length === 0 || ids.some(one => one === id);
  const waiting = await queue.list();
  // Of what is still being recorded, the queue may know more.
  const isQueued = ({ state, dir }: StoredRecording) => state === 'recording' && waiting.some(one => one.dir === dir);
  return {
    unfinished: all.filter(one => isWanted(one.id) && !isQueued(one)),
    queue: waiting.filter(({ recordingId }) => isWanted(recordingId)),
    ids,
    endpoints,
  };
}

/** What a retry would do. */
export interface RetryPlan {
  uploads: StoredRecording[];
  /** Folders whose upload has not begun; waiting or refused. */
  queue: QueuedUpload[];
  /** Pending and held webhooks. */
  deliveries: Delivery[];
  /** Endpoints that are no longer configured, with how many webhooks wait for each. */
  unconfigured: { endpoint: string; count: number }[];
}

/**
 * Lists what there is to retry, and does nothing.
 * @throws AppError `USAGE`, `STATE`
 */
export async function planRetry(request: RetryRequest, runtime: Runtime): Promise<RetryPlan> {
  const { unfinished, queue, ids, endpoints } = await findWork(request, runtime);
  const unconfigured = await findUnconfigured(runtime);
  const { outbox } = await runtime.state();
  const waiting = await outbox.list({ states: ['pending', 'held'] });
  const deliveries = waiting.filter(
    ({ endpoint, recordingId }) =>
      endpoints.includes(endpoint) && (ids.length === 0 || ids.some(id => id === recordingId)),
  );
  return { uploads: unfinished, queue, deliveries, unconfigured };
}
