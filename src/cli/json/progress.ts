import type { CoreEvent } from '../../core/events.ts';
import { iso } from './document.ts';
import { type ErrorJson, errorJson } from './error.ts';

/** What happened, as `--progress json` prints it; each line also has `version: 1` and `at`. */
export type ProgressJson =
  /** Only if there are several. */
  | { type: 'folders-found'; folders: number }
  | { type: 'folder-finished'; dir: string; ok: boolean }
  | { type: 'recording-waiting'; dir: string; name: string; reason: string; settleMs: number; waitMs: number }
  | { type: 'upload-refused' | 'upload-waiting'; dir: string; error: ErrorJson }
  | { type: 'upload-enqueued'; dir: string; recordingId: string }
  /** The worker begins. */
  | { type: 'watch-started'; roots: string[] }
  | { type: 'recording-finished'; dir: string; by: 'enqueued' | 'sidecar' | 'marker' | 'closed' | 'quiet' }
  | { type: 'recording-grew'; dir: string; names: string[] }
  | {
      type: 'upload-ended';
      recordingId: string;
      dir: string;
      outcome: 'uploaded' | 'unchanged' | 'partial' | 'failed';
      files: number;
      sentBytes: number;
      durationMs: number;
      error?: ErrorJson;
      retryInMs?: number;
    }
  | { type: 'upload-given-up'; recordingId: string; dir: string; reason: string }
  | { type: 'notice'; message: string }
  | { type: 'recording-started'; recordingId: string; dir: string; files: { name: string; sizeBytes: number }[] }
  | { type: 'file-started'; recordingId: string; name: string; sizeBytes: number; resumedBytes: number }
  /** At most twice a second for each file. */
  | { type: 'file-progress'; recordingId: string; name: string; doneBytes: number; sizeBytes: number }
  | { type: 'file-retrying'; recordingId: string; name: string; reason: string; delayMs: number }
  | { type: 'file-finished'; recordingId: string; name: string; sizeBytes: number; sentBytes: number }
  /** A video that is still being recorded: finished stretches of it go up. */
  | { type: 'live-started'; recordingId: string; dir: string; name: string; resumedParts: number }
  | { type: 'live-parts'; recordingId: string; name: string; parts: number; bytes: number }
  | { type: 'live-paused' | 'live-given-up'; recordingId: string; name: string; reason: string }
  | {
      type: 'live-ended';
      recordingId: string;
      name: string;
      sizeBytes: number;
      parts: number;
      /** In the bucket already, and as they are in the finished file. */
      keptParts: number;
      /** In the bucket already, with other bytes: sent again. */
      changedParts: number;
    }
  | { type: 'file-unchanged'; recordingId: string; name: string; sizeBytes: number }
  | { type: 'file-failed'; recordingId: string; name: string; error: ErrorJson }
  /** An older payload of the recording may still reach the server; `until` in ISO 8601. */
  | { type: 'webhook-waiting'; recordingId: string; endpoint: string; webhookId: string; until: string }
  | { type: 'webhook-sending'; recordingId: string; endpoint: string; url: string; webhookId: string; trigger: string }
  | {
      type: 'webhook-answered';
      recordingId: string;
      endpoint: string;
      webhookId: string;
      /** The contract's log line. */
      line: string;
      outcome: 'delivered' | 'pending' | 'held' | 'disabled';
      status?: number;
      durationMs: number;
      detail?: string;
    }
  | { type: 'webhook-failed-after-upload'; recordingId: string }
  | { type: 'alert'; to: string; event: string; outcome: 'sent' | 'failed' | 'given-up'; detail?: string }
  | {
      type: 'local-file-removed';
      recordingId: string;
      dir: string;
      name: string;
      sizeBytes: number;
      isEarlier: boolean;
    }
  | { type: 'local-files-removed'; recordingId: string; dir: string; folderRemoved: boolean; left: string[] }
  | { type: 'local-files-kept'; recordingId: string; dir: string; reason: string }
  | { type: 'upload-aborted'; key: string; uploadId: string }
  | { type: 'state-pruned'; deliveries: number; deadOwners: number; freedBytes: number }
  | { type: 'warning'; message: string; recordingId?: string }
  /** With `--verbose`. */
  | { type: 'request'; operation: string; target: string; durationMs: number; ok: boolean; detail: string };

/** An event as a line of `--progress json`. The bytes of files are summed up elsewhere. */
export function progressJson(event: Exclude<CoreEvent, { type: 'file-progress' }>): ProgressJson {
  const { type } = event;
  switch (type) {
    case 'folders-found':
      return { type, folders: event.folders };
    case 'folder-finished':
      return { type, dir: event.dir, ok: event.ok };
    case 'recording-waiting': {
      const { dir, name, reason, settleMs, waitMs } = event;
      return { type, dir, name, reason, settleMs, waitMs };
    }
    case 'upload-refused':
    case 'upload-waiting':
      return { type, dir: event.dir, error: errorJson(event.error) };
    case 'upload-enqueued':
      return { type, dir: event.dir, recordingId: event.recordingId };
    case 'watch-started':
      return { type, roots: [...event.roots] };
    case 'recording-finished':
      return { type, dir: event.dir, by: event.by };
    case 'recording-grew':
      return { type, dir: event.dir, names: [...event.names] };
    case 'upload-ended': {
      const { recordingId, dir, outcome, files, sentBytes, durationMs, error, retryInMs } = event;
      return {
        type,
        recordingId,
        dir,
        outcome,
        files,
        sentBytes,
        durationMs: Math.round(durationMs),
        ...(error && { error: errorJson(error) }),
        ...(retryInMs !== undefined && { retryInMs }),
      };
    }
    case 'upload-given-up': {
      const { recordingId, dir, reason } = event;
      return { type, recordingId, dir, reason };
    }
    case 'notice':
      return { type, message: event.message };
    case 'recording-started': {
      const { recordingId, dir, files } = event;
      return { type, recordingId, dir, files: files.map(({ name, sizeBytes }) => ({ name, sizeBytes })) };
    }
    case 'file-started': {
      const { recordingId, name, sizeBytes, resumedBytes } = event;
      return { type, recordingId, name, sizeBytes, resumedBytes };
    }
    case 'file-retrying': {
      const { recordingId, name, reason, delayMs } = event;
      return { type, recordingId, name, reason, delayMs };
    }
    case 'file-finished': {
      const { recordingId, name, sizeBytes, sentBytes } = event;
      return { type, recordingId, name, sizeBytes, sentBytes };
    }
    case 'live-started': {
      const { recordingId, dir, name, resumedParts } = event;
      return { type, recordingId, dir, name, resumedParts };
    }
    case 'live-parts': {
      const { recordingId, name, parts, bytes } = event;
      return { type, recordingId, name, parts, bytes };
    }
    case 'live-paused':
    case 'live-given-up': {
      const { recordingId, name, reason } = event;
      return { type, recordingId, name, reason };
    }
    case 'live-ended': {
      const { recordingId, name, sizeBytes, parts, keptParts, changedParts } = event;
      return { type, recordingId, name, sizeBytes, parts, keptParts, changedParts };
    }
    case 'file-unchanged': {
      const { recordingId, name, sizeBytes } = event;
      return { type, recordingId, name, sizeBytes };
    }
    case 'file-failed': {
      const { recordingId, name, error } = event;
      return { type, recordingId, name, error: errorJson(error) };
    }
    case 'webhook-waiting': {
      const { recordingId, endpoint, webhookId, until } = event;
      return { type, recordingId, endpoint, webhookId, until: iso(until) };
    }
    case 'webhook-sending': {
      const { recordingId, endpoint, url, webhookId, trigger } = event;
      return { type, recordingId, endpoint, url, webhookId, trigger };
    }
    case 'webhook-answered': {
      const { recordingId, endpoint, webhookId, line, outcome, status, durationMs, detail } = event;
      return {
        type,
        recordingId,
        endpoint,
        webhookId,
        line,
        outcome,
        ...(status !== undefined && { status }),
        durationMs,
        ...(detail !== undefined && { detail }),
      };
    }
    case 'webhook-failed-after-upload':
      return { type, recordingId: event.recordingId };
    case 'alert': {
      const { to, event: about, outcome, detail } = event;
      return { type, to, event: about, outcome, ...(detail !== undefined && { detail }) };
    }
    case 'local-file-removed': {
      const { recordingId, dir, name, sizeBytes, isEarlier } = event;
      return { type, recordingId, dir, name, sizeBytes, isEarlier };
    }
    case 'local-files-removed': {
      const { recordingId, dir, folderRemoved, left } = event;
      return { type, recordingId, dir, folderRemoved, left: [...left] };
    }
    case 'local-files-kept':
      return { type, recordingId: event.recordingId, dir: event.dir, reason: event.reason };
    case 'upload-aborted':
      return { type, key: event.key, uploadId: event.uploadId };
    case 'state-pruned': {
      const { deliveries, deadOwners, freedBytes } = event;
      return { type, deliveries, deadOwners, freedBytes };
    }
    case 'warning': {
      const { message, recordingId } = event;
      return { type, message, ...(recordingId !== undefined && { recordingId }) };
    }
  }
}
