import type { TidyReport } from '../../../app/cleanup/tidy-up.ts';
import type { RetryReport } from '../../../app/retry.ts';
import type { RetryPlan } from '../../../app/retry-work.ts';
import type { RetriedUpload } from '../../../app/upload-queued.ts';
import { type RemadeJson, remadeJson } from '../../json/changes.ts';
import { type DeliveryJson, deliveryJson, type EndpointRunJson, endpointRunJson } from '../../json/delivery.ts';
import { iso } from '../../json/document.ts';
import { type ErrorJson, errorJson } from '../../json/error.ts';
import { type LocalJson, localJson } from '../../json/local.ts';
import { type UploadJson, uploadJson } from '../../json/upload.ts';

/** The result of `retry --json`. */
export interface RetryJson {
  uploads: RetriedUploadJson[];
  deliveries: DeliveryJson[];
  /** Held webhooks whose payloads say something else now. */
  remade: RemadeJson[];
  endpoints: EndpointRunJson[];
  /** Endpoints that are no longer configured, with how many webhooks wait for each. */
  unconfigured: UnconfiguredJson[];
  /** Webhooks that were held before, and are not sent without --held. */
  held: DeliveryJson[];
  /** Unfinished uploads into a bucket that is not the configured one. */
  elsewhere: ElsewhereJson[];
  /** Only in a fleet: unfinished uploads of other machines, if there are any. */
  ofOthers?: { recordingId: string; machine: string }[];
  /** Only in a fleet whose database could not be asked: why. Only this machine's own work was done. */
  away?: string;
  /** Local files that were removed or kept (`deleteAfter`). */
  local: LocalJson;
  /** What was removed from the state and the bucket (once a day); null: nothing, and nothing went wrong. */
  tidied: TidiedJson | null;
}

export interface TidiedJson {
  /** Old delivered or superseded webhooks. */
  webhooks: number;
  /** By how much the state is smaller on disk. */
  freedBytes: number;
  abandonedUploads: { key: string; uploadId: string }[];
  /** Why some of it could not be done; a later run tries again. */
  problems: string[];
}

/** An unfinished upload into another bucket; `target` is `<endpoint>/<bucket>`. */
export interface ElsewhereJson {
  recordingId: string;
  dir: string;
  target: string;
}

/** An upload of which nothing could be tried has only its place and `error`. `waiting`: that will change by itself. */
export type RetriedUploadJson =
  | UploadJson
  | { recordingId: string; dir: string; outcome: 'failed' | 'waiting'; error: ErrorJson };

export interface UnconfiguredJson {
  endpoint: string;
  count: number;
}

export function retryJson({
  uploads,
  deliveries,
  remade,
  endpoints,
  unconfigured,
  held,
  elsewhere,
  ofOthers,
  away,
  local,
  tidied,
}: RetryReport): RetryJson {
  return {
    uploads: uploads.map(retriedJson),
    deliveries: deliveries.map(deliveryJson),
    remade: remade.map(remadeJson),
    endpoints: endpoints.map(endpointRunJson),
    unconfigured: unconfigured.map(unconfiguredJson),
    held: held.map(deliveryJson),
    elsewhere: elsewhere.map(({ recordingId, dir, target }) => ({ recordingId, dir, target })),
    ...(ofOthers.length > 0 && { ofOthers: ofOthers.map(({ recordingId, machine }) => ({ recordingId, machine })) }),
    ...(away !== undefined && { away }),
    local: localJson(local),
    tidied: tidied ? tidiedJson(tidied) : null,
  };
}

function tidiedJson({ webhooks, freedBytes, uploads, problems }: TidyReport): TidiedJson | null {
  if (webhooks + freedBytes + uploads.length + problems.length === 0) return null;
  return {
    webhooks,
    freedBytes,
    abandonedUploads: uploads.map(({ key, uploadId }) => ({ key, uploadId })),
    problems,
  };
}

function retriedJson(upload: RetriedUpload): RetriedUploadJson {
  if (upload.ok) return uploadJson(upload.report);
  const { recordingId, dir, error, waits } = upload;
  return { recordingId, dir, outcome: waits ? 'waiting' : 'failed', error: errorJson(error) };
}

function unconfiguredJson({ endpoint, count }: UnconfiguredJson): UnconfiguredJson {
  return { endpoint, count };
}

/** The result of `retry --list --json`. */
export interface RetryPlanJson {
  uploads: {
    recordingId: string;
    dir: string;
    state: 'recording' | 'uploading' | 'partial' | 'done';
    error: string | null;
  }[];
  queued: { recordingId: string; dir: string; reason: string | null; hint: string | null; nextTry: string }[];
  refused: { recordingId: string; dir: string; error: string; hint: string | null }[];
  deliveries: WaitingJson[];
  unconfigured: UnconfiguredJson[];
}

export interface WaitingJson {
  recordingId: string;
  endpoint: string;
  webhookId: string;
  state: 'pending' | 'held' | 'delivered' | 'superseded' | 'discarded';
  heldReason: 'refused' | 'rejected' | 'exhausted' | 'disabled' | 'no-email' | null;
  attempts: number;
  nextAt: string;
}

export function retryPlanJson({ uploads, queue, deliveries, unconfigured }: RetryPlan): RetryPlanJson {
  return {
    uploads: uploads.map(({ id, dir, state, error }) => ({ recordingId: id, dir, state, error })),
    queued: queue
      .filter(one => one.state === 'waiting')
      .map(({ recordingId, dir, reason, hint, nextAt }) => ({ recordingId, dir, reason, hint, nextTry: iso(nextAt) })),
    refused: queue
      .filter(one => one.state === 'refused')
      .map(({ recordingId, dir, reason, hint }) => ({ recordingId, dir, error: reason ?? '', hint })),
    deliveries: deliveries.map(({ recordingId, endpoint, webhookId, state, heldReason, attempts, nextAt }) => ({
      recordingId,
      endpoint,
      webhookId,
      state,
      heldReason,
      attempts,
      nextAt: iso(nextAt),
    })),
    unconfigured: unconfigured.map(unconfiguredJson),
  };
}
