import type { AlertMessage, OpenCause } from '../core/alerts/alert-book.ts';
import type { AlertEvent } from '../core/alerts/cause.ts';
import type {
  Attempt,
  AttemptOutcome,
  Delivery,
  DeliveryState,
  HeldReason,
  Trigger,
} from '../core/delivery/delivery.ts';
import type { EndpointState } from '../core/delivery/endpoints.ts';
import type { NextDue } from '../core/delivery/outbox.ts';
import type { FileIdentity } from '../core/recording/file-identity.ts';
import type { RecordingDetails, RecordingId, Role } from '../core/recording/recording.ts';
import type { RecordingState, StoredFile, StoredRecording } from '../core/upload/journal.ts';
import type { KeptNote, Told } from '../core/upload/local-files.ts';
import type { OpenUpload, StoredPart } from '../core/upload/parts-journal.ts';
import type { AskedUpload, QueuedUpload } from '../core/upload/queue.ts';
import { hasSender, readMemory, refusedOn } from './token-memory.ts';

/*
 * Rows of the tables as the core knows them, whichever database they are from.
 */

export type Row = Readonly<Record<string, unknown>>;

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

/** A row of what is due next, or of an endpoint that refuses a token. @param offset by how much the clock of the row is ahead */
export function toNextDue({ endpoint: name, next_at: next, refused_at: refusedAt }: Row, offset: number): NextDue {
  const endpoint = String(name);
  return next === null ? { endpoint, refusedAt: Number(refusedAt) } : { endpoint, nextAt: Number(next) - offset };
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

/** A row of `multipart_uploads`. */
export function toOpenUpload(row: Row): OpenUpload {
  return {
    name: String(row.name),
    uploadId: row.upload_id as string | null,
    token: String(row.token) || null,
    askedAt: row.asked_at as number | null,
    partSizeBytes: Number(row.part_size),
    live: row.live === 1,
    ...toIdentity(row),
  };
}

/** A row of `parts`. */
export function toPart({ number, etag, sha256 }: Row): StoredPart {
  return { number: Number(number), etag: String(etag), sha256: String(sha256) };
}

/** A row of `queue`. @throws SyntaxError if what was asked is no JSON */
export function toQueued(row: Row): QueuedUpload {
  return {
    dir: String(row.dir),
    recordingId: String(row.recording_id),
    origin: row.origin as QueuedUpload['origin'],
    asked: JSON.parse(String(row.asked)) as AskedUpload,
    state: row.state as QueuedUpload['state'],
    reason: row.reason as string | null,
    hint: row.hint as string | null,
    since: Number(row.since),
    askedAt: Number(row.asked_at),
    updatedAt: Number(row.updated_at),
    nextAt: Number(row.next_at),
  };
}

/** A row of `endpoints`, or the name of one that has none. */
export function toEndpointState(row: Row): EndpointState {
  const memory = readMemory(row);
  return {
    name: String(row.name),
    disabledReason: (row.disabled_reason as string | null | undefined) ?? null,
    disabledAt: (row.disabled_at as number | null | undefined) ?? null,
    refusedAt: (row.refused_at as number | null | undefined) ?? null,
    refusedOn: refusedOn(memory),
    hasSender: hasSender(memory),
  };
}

/** Why the local files of a row of `recordings` were kept. @throws SyntaxError if its note is no JSON */
export function toNote(row: Row): KeptNote | null {
  return typeof row.local_note === 'string' ? (JSON.parse(row.local_note) as KeptNote) : null;
}

/** What endpoints were told of a recording: of each, the last of the rows counts. */
export function toTold(rows: readonly Row[]): Told[] {
  const told = new Map<string, Told>();
  for (const row of rows) {
    const endpoint = String(row.endpoint);
    told.set(endpoint, { endpoint, state: row.state as DeliveryState, createdAt: Number(row.created_at) });
  }
  return [...told.values()];
}

/** A row of `alert_causes`. */
export function toCause(row: Row): OpenCause {
  return {
    key: String(row.key),
    event: row.event as OpenCause['event'],
    text: String(row.text),
    count: row.count as number | null,
    since: Number(row.since),
  };
}

/** A row of `alert_messages`. */
export function toMessage(row: Row): AlertMessage {
  return {
    id: Number(row.id),
    target: String(row.target),
    event: row.event as AlertEvent,
    body: String(row.body),
    createdAt: Number(row.created_at),
    attempts: Number(row.attempts),
  };
}
