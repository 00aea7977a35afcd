import type { AppError } from './errors.ts';

/**
 * What the core announces while it works; the CLI draws it, logs it, or prints it as a line of JSON. Nothing here may
 * carry a secret.
 */
export type CoreEvent =
  /** So many folders are uploaded in this run; not announced for a single one. */
  | { type: 'folders-found'; folders: number }
  /** One of them is done, whatever became of it. */
  | { type: 'folder-finished'; dir: string; ok: boolean }
  /** A file may not be finished: the upload waits until nobody has written to it for a while. */
  | { type: 'recording-waiting'; dir: string; name: string; reason: string; settleMs: number; waitMs: number }
  /** The folder could not be read as a recording, so nothing of it was sent. */
  | { type: 'upload-refused'; dir: string; error: AppError }
  /** The upload of a folder that was handed over cannot begin yet; it begins by itself. */
  | { type: 'upload-waiting'; dir: string; error: AppError }
  /** A recorder handed the folder over; the upload of it begins later. */
  | { type: 'upload-enqueued'; dir: string; recordingId: string }
  /** The worker begins, with these folders to look below. */
  | { type: 'watch-started'; roots: readonly string[] }
  /** The worker has found a recording, or seen one that was handed over, that is finished; `by`: how it knows. */
  | { type: 'recording-finished'; dir: string; by: FinishedBy }
  /** A recording has changed that counted as finished: it is uploaded again. `names`: the files. */
  | { type: 'recording-grew'; dir: string; names: readonly string[] }
  /** How an upload by the worker has ended. `retryInMs`: it is tried again then. */
  | {
      type: 'upload-ended';
      recordingId: string;
      dir: string;
      outcome: 'uploaded' | 'unchanged' | 'partial' | 'failed';
      files: number;
      sentBytes: number;
      durationMs: number;
      error?: AppError | undefined;
      retryInMs?: number | undefined;
    }
  /** Nobody can finish the upload: what it refers to is gone. Its parts are removed from the bucket. */
  | { type: 'upload-given-up'; recordingId: string; dir: string; reason: string }
  /** Something that people may want to know, and that asks nothing of them. */
  | { type: 'notice'; message: string }
  | { type: 'recording-started'; recordingId: string; dir: string; files: { name: string; sizeBytes: number }[] }
  | { type: 'file-started'; recordingId: string; name: string; sizeBytes: number; resumedBytes: number }
  /** `bytes` more were handed to the network; negative where a part has to be sent again. */
  | { type: 'file-progress'; recordingId: string; name: string; bytes: number }
  | { type: 'file-retrying'; recordingId: string; name: string; reason: string; delayMs: number }
  | { type: 'file-finished'; recordingId: string; name: string; sizeBytes: number; sentBytes: number }
  /** A recording goes up while it is recorded: its video has grown enough for the first part. */
  | { type: 'live-started'; recordingId: string; dir: string; name: string; resumedParts: number }
  /** So many parts of it are in the bucket now. */
  | { type: 'live-parts'; recordingId: string; name: string; parts: number; bytes: number }
  /** Live stops until the video is finished, or for a while. */
  | { type: 'live-paused'; recordingId: string; name: string; reason: string }
  /** The live upload ends without an object: its parts are removed from the bucket. */
  | { type: 'live-given-up'; recordingId: string; name: string; reason: string }
  /** The video is finished: of its parts, so many were in the bucket already, and so many of those had other bytes. */
  | {
      type: 'live-ended';
      recordingId: string;
      name: string;
      sizeBytes: number;
      parts: number;
      keptParts: number;
      changedParts: number;
    }
  | { type: 'file-unchanged'; recordingId: string; name: string; sizeBytes: number }
  | { type: 'file-failed'; recordingId: string; name: string; error: AppError }
  /** An older payload of the recording may still reach the server; milliseconds since 1970. */
  | { type: 'webhook-waiting'; recordingId: string; endpoint: string; webhookId: string; until: number }
  | { type: 'webhook-sending'; recordingId: string; endpoint: string; url: string; webhookId: string; trigger: string }
  | {
      type: 'webhook-answered';
      recordingId: string;
      endpoint: string;
      webhookId: string;
      /** The contract's log line: `✅ Webhook sent successfully`, `❌ Webhook timeout`, … */
      line: string;
      outcome: 'delivered' | 'pending' | 'held' | 'disabled';
      status?: number | undefined;
      durationMs: number;
      detail?: string | undefined;
    }
  /** The upload is done, but the server could not be told. */
  | { type: 'webhook-failed-after-upload'; recordingId: string }
  /** Somebody was told that something is wrong, or could not be told. `to`: the host, or the command's first word. */
  | {
      type: 'alert';
      to: string;
      event: string;
      /** `failed`: it is tried again; `given-up`: it was tried for three days. */
      outcome: 'sent' | 'failed' | 'given-up';
      detail?: string | undefined;
    }
  /** The local copy of a file was removed, because the bucket has it. `isEarlier`: by a run that was interrupted. */
  | {
      type: 'local-file-removed';
      recordingId: string;
      dir: string;
      name: string;
      sizeBytes: number;
      isEarlier: boolean;
    }
  /** Nothing that was uploaded is left in the folder; `left`: what else is in it. */
  | { type: 'local-files-removed'; recordingId: string; dir: string; folderRemoved: boolean; left: readonly string[] }
  /** The local files are not removed although their time has come. */
  | { type: 'local-files-kept'; recordingId: string; dir: string; reason: string }
  /** An abandoned multipart upload was deleted from the bucket. */
  | { type: 'upload-aborted'; key: string; uploadId: string }
  /** Old webhooks, and what ended processes left, were deleted from the state. */
  | { type: 'state-pruned'; deliveries: number; deadOwners: number; freedBytes: number }
  | {
      type: 'warning';
      message: string;
      recordingId?: string | undefined;
      /** Something was lost or cannot be kept: people see it even where they asked for quiet. */
      isLoss?: boolean;
    };

/**
 * How a recording is known to be finished: a recorder handed it over; its notes say so; its marker file is there; nobody
 * has it open for writing; nothing has changed for a while.
 */
export type FinishedBy = 'enqueued' | 'sidecar' | 'marker' | 'closed' | 'quiet';

/** The contract's line for an upload whose webhook failed. */
export const WEBHOOK_FAILED_AFTER_UPLOAD = '⚠️ Webhook failed but upload succeeded';

export type Observer = (event: CoreEvent) => void;
