import type {
  Attempt,
  AttemptOutcome,
  Delivery,
  DeliveryState,
  HeldReason,
  Trigger,
} from '../core/delivery/delivery.ts';
import type { FileIdentity } from '../core/recording/file-identity.ts';
import type { RecordingDetails, RecordingId, Role } from '../core/recording/recording.ts';
import type { RecordingState, StoredFile, StoredRecording } from '../core/upload/journal.ts';

/*
 * Rows of the tables as the core knows them, whichever database they are from.
 */

type Row = Readonly<Record<string, unknown>>;

/** A row of `deliveries`. */
export function toDelivery(row: Row): Delivery {
  return {
    seq: Number(row.seq),
    webhookId: String(row.webhook_id),
    endpoint: String(row.endpoint),
    recordingId: String(row.recording_id),
    payload: String(row.payload),
    contentHash: String(row.content_hash),
    state: row.state as DeliveryState,
    heldReason: row.held_reason as HeldReason | null,
    attempts: Number(row.attempts),
    retries: Number(row.retries),
    createdAt: Number(row.created_at),
    nextAt: Number(row.next_at),
    settledAt: row.settled_at as number | null,
  };
}

/** A row of `attempts`. */
export function toAttempt(row: Row): Attempt {
  return {
    number: Number(row.number),
    trigger: row.trigger as Trigger,
    at: Number(row.at),
    durationMs: Number(row.duration),
    outcome: row.outcome as AttemptOutcome,
    status: row.status as number | null,
    error: row.error as string | null,
    excerpt: row.excerpt as string | null,
  };
}

/** A row of `recordings`. @throws SyntaxError if its details are no JSON */
export function toRecording(row: Row): StoredRecording {
  return {
    target: String(row.target),
    id: String(row.id) as RecordingId,
    dir: String(row.dir),
    details: JSON.parse(String(row.details)) as RecordingDetails,
    state: row.state as RecordingState,
    error: row.error as string | null,
    metadata: row.metadata as string | null,
    metadataEtag: row.metadata_etag as string | null,
    webhooks: row.webhooks === 1,
    updatedAt: Number(row.updated_at),
  };
}

/** A row of `files`. */
export function toFile(row: Row): StoredFile {
  return {
    ...toIdentity(row),
    name: String(row.name),
    role: row.role as Role,
    state: row.state as StoredFile['state'],
    partSizeBytes: row.part_size as number | null,
    checksum: row.checksum as string | null,
    etag: row.etag as string | null,
    token: row.token as string | null,
    error: row.error as string | null,
  };
}

/** What tells a file's versions apart, in a row of `files` or `multipart_uploads`. */
export function toIdentity(row: Row): FileIdentity {
  return { sizeBytes: Number(row.size), mtimeNs: String(row.mtime_ns), inode: String(row.inode) };
}
