import { createHash } from 'node:crypto';
import { objectKey, publicUrl } from '../recording/object-key.ts';
import { idForPayload, type Recording, type Role } from '../recording/recording.ts';
import { formatLocal, fromMilliseconds } from '../recording/timestamps.ts';

/** Name of the object beside a recording's files that holds the payload. */
export const METADATA_NAME = 'metadata.json';

/** What the webhook sends to the recordings server, in the contract's words and order. */
export interface Payload {
  recording_id: number | string;
  title: string;
  created_at: string;
  duration_seconds?: number;
  duration_database?: number;
  user_info: { username?: string; email?: string };
  file_info: { total_size_mb: number; individual_sizes_mb: Record<string, number> };
  uploaded_files: Record<string, string>;
  upload_timestamp: string;
  upload_source: string;
  bucket_name: string;
  region: string;
}

/** A file that is in the bucket. */
export interface UploadedFile {
  role: Role;
  name: string;
  sizeBytes: number;
}

export interface PayloadFacts {
  recording: Pick<Recording, 'id' | 'details'>;
  /** Files that are in the bucket, without `metadata.json`. */
  uploaded: readonly UploadedFile[];
  bucket: string;
  region: string;
  publicBaseUrl: string;
  uploadSource: string;
  /** When the upload ended: wall-clock milliseconds; a fraction is kept down to microseconds. */
  uploadedAt: number;
  /** False if `metadata.json` could not be stored; default true. */
  metadataStored?: boolean;
}

const ROLE_ORDER = ['video', 'thumbnail', 'transcript', 'extra'] as const satisfies readonly Role[];

/** Makes the webhook's payload, which is also the content of `metadata.json`. Leaves out what is not known. */
export function makePayload(facts: PayloadFacts): Payload {
  const { id, details } = facts.recording;
  const { durationSeconds, durationDatabaseSeconds, user } = details;
  const measured = durationSeconds ?? durationDatabaseSeconds;
  const noted = durationDatabaseSeconds ?? durationSeconds;
  const uploaded = ROLE_ORDER.flatMap(role => facts.uploaded.filter(file => file.role === role));
  return {
    recording_id: idForPayload(id),
    title: details.title,
    created_at: details.createdAt,
    ...(measured !== undefined && { duration_seconds: measured }),
    ...(noted !== undefined && { duration_database: noted }),
    user_info: {
      ...(user.username !== undefined && { username: user.username }),
      ...(user.email !== undefined && { email: user.email }),
    },
    file_info: {
      total_size_mb: toMebibytes(uploaded.reduce((sum, file) => sum + file.sizeBytes, 0)),
      // fromEntries, because a file may be called `__proto__`.
      individual_sizes_mb: Object.fromEntries(uploaded.map(file => [file.name, toMebibytes(file.sizeBytes)])),
    },
    uploaded_files: urlsOf(facts, uploaded),
    upload_timestamp: formatLocal(fromMilliseconds(facts.uploadedAt)),
    upload_source: facts.uploadSource,
    bucket_name: facts.bucket,
    region: facts.region,
  };
}

function urlsOf(facts: PayloadFacts, uploaded: readonly UploadedFile[]): Record<string, string> {
  const url = (name: string) => publicUrl(facts.publicBaseUrl, facts.bucket, objectKey(facts.recording.id, name));
  const ofRole = (file: UploadedFile): [string, string] => [
    file.role === 'extra' ? file.name : file.role,
    url(file.name),
  ];
  return Object.fromEntries([
    ...uploaded.filter(file => file.role !== 'extra').map(ofRole),
    ...(facts.metadataStored === false ? [] : [['metadata', url('metadata.json')] as const]),
    ...uploaded.filter(file => file.role === 'extra').map(ofRole),
  ]);
}

/**
 * Bytes as MiB with two decimals; ties round to even, as Python's `round` does (the server's own program is in Python).
 * Calculates with whole numbers: `toFixed` rounds ties up, and scaling a fraction is not exact.
 */
export function toMebibytes(bytes: number): number {
  const scaled = BigInt(bytes) * 100n;
  const unit = 1024n * 1024n;
  const whole = scaled / unit;
  const twiceRest = (scaled % unit) * 2n;
  const up = twiceRest > unit || (twiceRest === unit && whole % 2n === 1n);
  return Number(up ? whole + 1n : whole) / 100;
}

/** True if a JSON value has the shape of this recording's payload. */
export function isPayloadOf(id: string, value: unknown): value is Payload {
  if (typeof value !== 'object' || value === null) return false;
  const { recording_id, user_info, uploaded_files, file_info } = value as Partial<Payload>;
  return (
    String(recording_id) === id &&
    [user_info, uploaded_files, file_info].every(part => typeof part === 'object' && part !== null)
  );
}

/** The payload's bytes as they are signed, sent and stored. */
export function payloadBytes(payload: Payload): Buffer {
  return Buffer.from(JSON.stringify(payload));
}

/**
 * SHA-256 (hex) of what a payload says, regardless of the order of its keys and of the time of the upload. Equal hashes
 * mean that the server knows all of it already.
 */
export function contentHash(payload: Payload): string {
  const { upload_timestamp: _, ...content } = payload;
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}
