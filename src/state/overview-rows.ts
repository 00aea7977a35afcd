import { NO_EMAIL } from '../core/delivery/delivery-report.ts';
import { refusesText } from '../core/delivery/endpoints.ts';
import type { RecordingDetails } from '../core/recording/recording.ts';
import type {
  BlockedEndpoint,
  FileProgress,
  RecentRecording,
  RecordingStatus,
  UnfinishedUpload,
  WaitingDelivery,
} from '../core/status/overview.ts';
import { type Row, toDelivery, toEndpointState, toNote } from './rows.ts';

/*
 * Rows as `Overview` shows them, whichever database they are from.
 */

/**
 * A row of `recordings` that is not done.
 * @param pid of the living process that has claimed it, 0 where that is not known; undefined: none lives
 */
export function toUpload(row: Row, pid: number | undefined, files: FileProgress[]): UnfinishedUpload {
  return {
    target: String(row.target),
    id: String(row.id),
    dir: String(row.dir),
    state: pid === undefined ? 'partial' : row.state === 'recording' ? 'recording' : 'uploading',
    pid: pid || null,
    since: Number(row.unfinished_since ?? row.updated_at),
    updatedAt: Number(row.updated_at),
    error: row.error as string | null,
    ...(row.refused === 1 && { isForeign: true as const }),
    files,
  };
}

/** The same row, done or not, with all that is known of it. @throws SyntaxError if its note is no JSON */
export function toStatus(row: Row, upload: UnfinishedUpload): RecordingStatus {
  const isDone = row.state === 'done';
  return {
    ...upload,
    state: isDone ? 'done' : upload.state,
    since: isDone ? null : upload.since,
    metadata: row.metadata as string | null,
    local: { removedAt: row.local_removed_at as number | null, kept: toNote(row)?.text ?? null },
  };
}

/** What a line of a list shows beside the row of the recording. */
export interface Beside {
  /** A living process has claimed it. */
  isAtWork: boolean;
  /** Of what is in the bucket: `files`, and their `bytes`. */
  stored: Row | undefined;
  /** Endpoint and state of each of its webhooks, the oldest first. */
  webhooks: readonly (readonly [endpoint: string, state: string])[];
}

/** One line of a list. @throws SyntaxError if the recording's details are no JSON */
export function toRecent(row: Row, { isAtWork, stored, webhooks }: Beside): RecentRecording {
  // Of each endpoint, the last one stays.
  const newest = new Map(webhooks);
  return {
    target: String(row.target),
    id: String(row.id),
    dir: String(row.dir),
    title: (JSON.parse(String(row.details)) as RecordingDetails).title,
    state:
      row.state === 'done' ? 'done' : !isAtWork ? 'partial' : row.state === 'recording' ? 'recording' : 'uploading',
    updatedAt: Number(row.updated_at),
    files: Number(stored?.files),
    storedBytes: Number(stored?.bytes),
    localRemovedAt: row.local_removed_at as number | null,
    webhooks: [...newest].map(([endpoint, state]) => ({
      endpoint,
      state: (state === 'pending' ? 'waiting' : state) as RecentRecording['webhooks'][number]['state'],
    })),
  };
}

/** A row of `deliveries` that is pending or held. @param last the row of its last attempt; undefined: there was none */
export function toWaiting(row: Row, last: Row | undefined): WaitingDelivery {
  const { recordingId, endpoint, webhookId, heldReason, attempts, createdAt, nextAt, state } = toDelivery(row);
  const isHeld = state === 'held';
  return {
    recordingId,
    endpoint,
    webhookId,
    state: isHeld ? 'held' : 'waiting',
    heldReason,
    attempts,
    since: createdAt,
    nextAt: isHeld ? null : nextAt,
    error: (last?.error as string | null | undefined) ?? (heldReason === 'no-email' ? NO_EMAIL : null),
  };
}

/** A row of `endpoints` to which nothing is sent. */
export function toBlocked(row: Row): BlockedEndpoint {
  const isDisabled = row.disabled_reason !== null;
  const state = toEndpointState(row);
  return {
    name: state.name,
    reason: isDisabled ? `disabled: ${row.disabled_reason}` : refusesText(state),
    ...(!isDisabled && { isRefusing: true, hasSender: state.hasSender }),
    since: (isDisabled ? row.disabled_at : row.refused_at) as number | null,
  };
}
