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
  put(key: string, body: Body, settings: ObjectSettings, signal: AbortSignal): Promise<{ etag: string }>;
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
    signal: AbortSignal,
  ): Promise<void>;
  abortUpload(key: string, uploadId: string, signal: AbortSignal): Promise<void>;
}

export interface ObjectSettings {
  contentType: string;
  /** User metadata: names without `x-amz-meta-`, ASCII values. */
  metadata: Record<string, string>;
  /** `put` alone: refused (412) where there is such an object already, by stores that honour it. */
  onlyIfAbsent?: boolean | undefined;
}

export interface ObjectHead {
  sizeBytes: number;
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
