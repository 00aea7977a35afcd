import type { EndpointView, LiveStatus } from '../../app/live-status.ts';
import { workOf } from '../../app/machine-words.ts';
import type { Runtime } from '../../app/runtime.ts';
import { overviewOf } from '../../app/status.ts';
import type { UnfinishedUpload, WaitingDelivery } from '../../core/status/overview.ts';
import type { Machine } from '../../core/status/worker.ts';
import { targetOf } from '../../core/storage/target.ts';
import type { QueuedUpload } from '../../core/upload/queue.ts';
import type { Pace, Rates } from '../live/rates.ts';
import type {
  ActionRow,
  EndpointRow,
  MachineRow,
  OverviewContent,
  QueuedRow,
  UploadRow,
  WebhookRow,
} from '../views/model.ts';

/** The overview of a reading. */
export function overviewContent(
  { status, activity, endpoints }: LiveStatus,
  rates: Rates,
  { now, actions, config }: { now: number; actions: ActionRow[]; config: Runtime['config'] },
): OverviewContent {
  const overview = overviewOf(status);
  const { recording, uploading, queued, waiting, held, partial, refused, done } = overview.counts;
  const { uploads, worker } = overview;
  const paces = rates.take(uploads, now);
  return {
    now,
    stateDir: status.stateDir,
    hasState: status.hasState,
    target: targetOf(config),
    problem: (status.hasState && status.alone) || null,
    counts: { recording, uploading, queued, waiting, held, partial, refused, done, doneToday: activity.done },
    uploads: uploads.map((upload, index) => uploadRow(upload, paces[index])),
    queued: overview.queued.map(queuedRow),
    refused: overview.refused.map(queuedRow),
    held: overview.held.map(webhookRow),
    nextAt: overview.nextAt,
    endpoints: endpoints.map(endpointRow),
    worker: worker ? { pid: worker.pid, since: worker.since } : null,
    machines: status.fleet?.machines.map(machine => machineRow(machine, uploads)) ?? null,
    throughput: rates.lastHour(activity, now),
    rate: paces.reduce((sum, { rate }) => sum + (rate ?? 0), 0),
    actions,
  };
}

/** @param pace without it, nobody has watched it */
export function uploadRow(
  { target, id, dir, machine, state, pid, since, error, files }: UnfinishedUpload,
  { bytes, totalBytes, rate, leftMs }: Pace = { bytes: 0, totalBytes: 0, rate: null, leftMs: null },
): UploadRow {
  return {
    target,
    id,
    dir,
    machine: machine ?? null,
    state,
    pid,
    since,
    error,
    bytes,
    totalBytes,
    rate,
    leftMs,
    files: files.map(f => ({ ...f })),
  };
}

export function queuedRow(entry: QueuedUpload): QueuedRow {
  const { dir, machine, recordingId, origin, reason, hint, since, nextAt } = entry;
  return { dir, machine: machine ?? null, id: recordingId, origin, reason, hint, since, nextAt };
}

function machineRow(machine: Machine, uploads: readonly UnfinishedUpload[]): MachineRow {
  const { name, since, lastSeen } = machine;
  return { name, since, lastSeen, work: workOf(machine, uploads) };
}

function endpointRow({ name, url, state, reason, since, waiting, held, delivered }: EndpointView): EndpointRow {
  return { name, url: url ?? null, state, reason, since, waiting, held, delivered };
}

function webhookRow(delivery: WaitingDelivery): WebhookRow {
  const { webhookId, recordingId, endpoint, state, heldReason, attempts, since, nextAt, error } = delivery;
  return { webhookId, recordingId, endpoint, state, heldReason, attempts, since, nextAt, error };
}
