import type { Body } from './body.ts';

/** One S3 bucket. */
export interface Bucket extends BucketMethods {
  readonly name: string;
  /** Which bucket this is, in the state: `<endpoint>/<bucket>`. */
  readonly target: string;
  close(): void;
}

/**
 * What a bucket can be asked. Each method makes one try, of one request (a list: one request a page). The last argument
 * is the signal that ends it; layers around the bucket (retry, tracing) rely on that.
 * @throws StorageFailure where the store or the network fails; the signal's reason once it aborts
 */
export interface BucketMethods {
  /** Undefined where there is no such object. */
  head(key: string, signal: AbortSignal): Promise<ObjectHead | undefined>;
  /** Sends a whole object in one request. The body is held in memory meanwhile: larger files go up in parts. */
  put(key: string, body: Body, settings: ObjectSettings, signal: AbortSignal): Promise<StoredObject>;
  /** Undefined where there is no such object. The stream must be read or destroyed. */
  get(key: string, signal: AbortSignal): Promise<ObjectContent | undefined>;
  delete(key: string, signal: AbortSignal): Promise<void>;
  /** Objects below a prefix, in key order: all of them, or the first `atMost` (rounded up to a whole page). */
  list(prefix: string, limit: { atMost?: number }, signal: AbortSignal): Promise<ListedObject[]>;
  createUpload(key: string, settings: ObjectSettings, signal: AbortSignal): Promise<{ uploadId: string }>;
  uploadPart(key: string, uploadId: string, number: number, body: Body, signal: AbortSignal): Promise<{ etag: string }>;
  /** Parts in number order. @throws StorageFailure `missing` where there is no such upload */
  listParts(key: string, uploadId: string, signal: AbortSignal): Promise<{ parts: ListedPart[]; serverTime: Date }>;
  /** Open multipart uploads whose key begins with `prefix`. */
  listUploads(prefix: string, signal: AbortSignal): Promise<ListedUpload[]>;
  completeUpload(
    key: string,
    uploadId: string,
    parts: readonly { number: number; etag: string }[],
    condition: WriteCondition,
    signal: AbortSignal,
  ): Promise<void>;
  abortUpload(key: string, uploadId: string, signal: AbortSignal): Promise<void>;
}

/** A write that must not replace an object. */
export interface WriteCondition {
  /**
   * Refused (412) if there is such an object already, by stores that honour it. Left out for stores that have shown that
   * they do not know it.
   */
  onlyIfAbsent?: boolean | undefined;
  /** Called before the write is sent without the condition, to such a store; what it throws ends the write. */
  beforeUnconditional?: (() => Promise<void>) | undefined;
}

/** The condition counts for `put` alone: S3 checks it when an object is made. */
export interface ObjectSettings extends WriteCondition {
  contentType: string;
  /** User metadata: names without `x-amz-meta-`, ASCII values. */
  metadata: Record<string, string>;
}

export interface StoredObject {
  etag: string;
  /** Where the bucket keeps versions: a deleted object stays as an old one. */
  versionId?: string | undefined;
}

export interface ObjectHead {
  /** Undefined where the store does not say. */
  sizeBytes: number | undefined;
  etag: string;
  contentType: string | undefined;
  metadata: Record<string, string>;
  lastModified: Date | undefined;
  /** Missing for the store's default. */
  storageClass?: string | undefined;
}

export interface ObjectContent extends ObjectHead {
  stream: AsyncIterable<Uint8Array>;
}

export interface ListedObject {
  key: string;
  sizeBytes: number;
  lastModified: Date | undefined;
}

export interface ListedPart {
  number: number;
  etag: string;
  sizeBytes: number;
  lastModified: Date | undefined;
}

export interface ListedUpload {
  key: string;
  uploadId: string;
  initiated: Date | undefined;
}
