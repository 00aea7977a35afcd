import type { Alarm } from '../../../app/alarms.ts';
import type { RecordingStatusReport } from '../../../app/recording-status.ts';
import { overviewOf, type StatusReport } from '../../../app/status.ts';
import type { UnfinishedUpload } from '../../../core/status/overview.ts';
import { type DamageJson, damageJson } from '../../json/damage.ts';
import { iso, isoOrNull } from '../../json/document.ts';
import { type HistoryJson, historyJson } from '../../json/history.ts';
import { type MachineJson, machineJson, type OfMachineJson, ofMachineJson } from '../../json/machine.ts';
import { storedPayload } from '../../json/payload.ts';
import { type QueuedJson, queuedJson, type RefusalJson, refusalJson } from '../../json/queued.ts';

/** The result of `status --json`; the same form where there is no state yet. */
export interface StatusJson extends DamageJson {
  stateDir: string;
  hasState: boolean;
  counts: {
    /** Still being recorded; what is finished of them goes up meanwhile. */
    recording: number;
    uploading: number;
    partial: number;
    /** Folders whose upload was asked for and begins by itself. */
    queued: number;
    refused: number;
    done: number;
    /** Of those, the ones whose local files were removed. */
    removed: number;
    waiting: number;
    held: number;
    delivered: number;
    superseded: number;
  };
  alarms: (
    | { kind: 'held' | 'no-token' | 'partial' | 'refused'; count: number }
    | { kind: 'old-webhook' | 'old-upload' | 'old-queued'; ageMs: number }
  )[];
  /** When the next webhook is due. */
  nextTry: string | null;
  /** Since when the oldest of each kind has been unfinished. */
  oldest: {
    upload: string | null;
    partial: string | null;
    queued: string | null;
    refused: string | null;
    waiting: string | null;
  };
  /** The machines that share the state; missing where it is of this machine alone. */
  machines?: MachineJson[];
  /** The process of `recordupload watch`, on this machine or the one that was asked for; null if none runs. */
  worker: { pid: number; since: string } | null;
  uploads: UnfinishedJson[];
  /** Folders whose upload was asked for and begins by itself. */
  queued: QueuedJson[];
  /** Folders whose upload was refused before anything of them was sent. */
  refused: RefusalJson[];
  webhooks: {
    recordingId: string;
    endpoint: string;
    webhookId: string;
    state: 'held' | 'waiting';
    heldReason: 'refused' | 'rejected' | 'exhausted' | 'disabled' | 'no-email' | null;
    attempts: number;
    error: string | null;
    since: string;
    nextTry: string | null;
  }[];
  endpoints: { name: string; reason: string; since: string | null }[];
}

/** An upload that is not done. */
export interface UnfinishedJson extends OfMachineJson {
  target: string;
  id: string;
  dir: string;
  state: 'recording' | 'uploading' | 'partial';
  /** The process that works on it. */
  pid: number | null;
  error: string | null;
  files: FileProgressJson[];
  since: string;
  updatedAt: string;
}

export interface FileProgressJson {
  name: string;
  state: 'uploaded' | 'sending' | 'pending';
  sizeBytes: number;
  partsDone: number;
  /** 0 where it is not known yet. */
  parts: number;
  error: string | null;
}

export function statusJson(report: StatusReport): StatusJson {
  const { stateDir, hasState, fleet } = report;
  const { alarms, damage } = report.hasState ? report : { alarms: [], damage: undefined };
  const { counts, nextAt, oldest, worker, uploads, queued, refused, held, waiting, endpoints } = overviewOf(report);
  return {
    stateDir,
    hasState,
    counts: {
      recording: counts.recording,
      uploading: counts.uploading,
      partial: counts.partial,
      queued: counts.queued,
      refused: counts.refused,
      done: counts.done,
      removed: counts.removed,
      waiting: counts.waiting,
      held: counts.held,
      delivered: counts.delivered,
      superseded: counts.superseded,
    },
    alarms: alarms.map(alarmJson),
    nextTry: isoOrNull(nextAt),
    oldest: {
      upload: isoOrNull(oldest.upload),
      partial: isoOrNull(oldest.partial),
      queued: isoOrNull(oldest.queued),
      refused: isoOrNull(oldest.refused),
      waiting: isoOrNull(oldest.waiting),
    },
    ...(fleet && { machines: fleet.machines.map(machineJson) }),
    worker: worker ? { pid: worker.pid, since: iso(worker.since) } : null,
    uploads: uploads.map(upload => ({
      ...uploadJson(upload),
      since: iso(upload.since),
      updatedAt: iso(upload.updatedAt),
    })),
    queued: queued.map(queuedJson),
    refused: refused.map(refusalJson),
    webhooks: [...held, ...waiting].map(
      ({ recordingId, endpoint, webhookId, state, heldReason, attempts, error, since, nextAt }) => ({
        recordingId,
        endpoint,
        webhookId,
        state,
        heldReason,
        attempts,
        error,
        since: iso(since),
        nextTry: isoOrNull(nextAt),
      }),
    ),
    endpoints: endpoints.map(({ name, reason, since }) => ({ name, reason, since: isoOrNull(since) })),
    ...damageJson(damage),
  };
}

function alarmJson(alarm: Alarm): StatusJson['alarms'][number] {
  return 'count' in alarm ? { kind: alarm.kind, count: alarm.count } : { kind: alarm.kind, ageMs: alarm.ageMs };
}

/** What is said of each upload, but for its times. */
function uploadJson<S>({
  target,
  id,
  dir,
  machine,
  state,
  pid,
  error,
  files,
}: Omit<UnfinishedUpload, 'state' | 'since'> & { state: S }) {
  return { target, id, dir, ...ofMachineJson({ machine }), state, pid, error, files: files.map(fileProgressJson) };
}

function fileProgressJson({ name, state, sizeBytes, partsDone, parts, error }: FileProgressJson): FileProgressJson {
  return { name, state, sizeBytes, partsDone, parts, error };
}

/** The result of `status <id> --json`. */
export interface RecordingJson extends DamageJson {
  recordingId: string;
  /** One for each bucket that it was uploaded to. */
  uploads: (Omit<UnfinishedJson, 'state' | 'since'> & {
    state: 'recording' | 'uploading' | 'partial' | 'done';
    /** Null once it is done. */
    since: string | null;
    /** The files in the folder: when they were removed (`deleteAfter`), or why they were kept although they are old enough. */
    local: { removedAt: string | null; kept: string | null };
    /** What `metadata.json` in the bucket says. */
    metadata: unknown;
  })[];
  queued: QueuedJson[];
  refused: RefusalJson[];
  webhooks: HistoryJson<'waiting' | 'held' | 'delivered' | 'superseded' | 'discarded'>[];
}

export function recordingJson({ recordingId, uploads, queue, webhooks, damage }: RecordingStatusReport): RecordingJson {
  return {
    recordingId,
    uploads: uploads.map(upload => ({
      ...uploadJson(upload),
      since: isoOrNull(upload.since),
      updatedAt: iso(upload.updatedAt),
      local: { removedAt: isoOrNull(upload.local.removedAt), kept: upload.local.kept },
      metadata: upload.metadata === null ? null : storedPayload(upload.metadata),
    })),
    queued: queue.filter(one => one.state === 'waiting').map(queuedJson),
    refused: queue.filter(one => one.state === 'refused').map(refusalJson),
    webhooks: webhooks.map(one => historyJson(one, state => (state === 'pending' ? 'waiting' : state))),
    ...damageJson(damage),
  };
}
