import { join } from 'node:path';
import type { Faults } from '../faults/faults.ts';
import { type Listener, type ListenOptions, listen, type TlsFiles } from '../http/listener.ts';
import { folderRecords, noRecords } from '../records.ts';
import { discardedBlobs, memoryBlobs } from './blobs.ts';
import { AS_AWS, type Habits } from './call.ts';
import { Catalog, type StoredObject } from './catalog.ts';
import { folderBlobs } from './folder-blobs.ts';
import { readSegments } from './operations/objects.ts';
import type { S3Operation } from './route.ts';
import { type S3Request, s3Handler } from './server.ts';

export interface S3Options {
  /** 0 (default): the last run's port where it is free, else any. */
  port?: number;
  /** Exists at the start; `fyemeet` unless given. */
  bucket?: string;
  /** Further buckets that exist at the start. */
  buckets?: string[];
  accessKeyId?: string;
  secretAccessKey?: string;
  /** The only region accepted in signatures; any unless given. */
  region?: string;
  /** `opaque`: ETags that are no MD5, as of a store that encrypts. */
  etags?: 'md5' | 'opaque';
  /** Operations answered with 403 AccessDenied. */
  deny?: S3Operation[];
  /** Bodies are counted and hashed but not kept; objects read as zeros. */
  discardBodies?: boolean;
  /** False, with `discardBodies`: bodies are not hashed either, ETags are made up. */
  verifyBodies?: boolean;
  /** As a bucket with Object Lock: bodies without Content-MD5 or a checksum are refused. */
  objectLock?: boolean;
  /** In what the server differs from AWS. */
  habits?: Partial<Habits>;
  /** 5 MiB, as S3 has it, unless given. */
  minPartSizeBytes?: number;
  tls?: TlsFiles;
}

export interface S3ObjectInfo {
  bucket: string;
  key: string;
  /** Bytes. */
  size: number;
  /** Without quotes. */
  etag: string;
  contentType: string | undefined;
  /** Content-Type and its like, lower-case names. */
  headers: Record<string, string>;
  metadata: Record<string, string>;
}

export interface S3UploadInfo {
  bucket: string;
  key: string;
  uploadId: string;
  metadata: Record<string, string>;
  parts: { partNumber: number; size: number; etag: string }[];
}

/** The S3 server, from the inside. */
export interface S3Sandbox {
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Every request so far, oldest first. */
  requests(): S3Request[];
  resetRequests(): void;
  objects(): S3ObjectInfo[];
  /** An object's bytes. @throws S3Error `NoSuchKey` */
  read(key: string, bucket?: string): Promise<Buffer>;
  /** Open multipart uploads. */
  uploads(): S3UploadInfo[];
  /** From now on answers these operations, and only these, with 403 AccessDenied. */
  deny(operations: S3Operation[]): void;
}

export interface S3Context extends Omit<ListenOptions, 'port'> {
  dataDir?: string | undefined;
  faults: Faults;
  now: () => number;
  closing: AbortSignal;
}

const DEFAULT_REGION = 'us-west-1';
const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_BODY_BYTES = 5 * 1024 ** 3;

/** Starts the S3 server with what its folder remembers. */
export async function startS3(options: S3Options, context: S3Context): Promise<{ s3: S3Sandbox; listener: Listener }> {
  const { dataDir } = context;
  const { bucket = 'fyemeet', region = DEFAULT_REGION } = options;
  const accessKeyId = options.accessKeyId ?? 'sandbox-access-key';
  const secretAccessKey = options.secretAccessKey ?? 'sandbox-secret-key';
  const keptBlobs = () => (dataDir ? folderBlobs(join(dataDir, 's3', 'segments')) : memoryBlobs());
  const blobs = options.discardBodies ? discardedBlobs() : await keptBlobs();
  const catalog = new Catalog(dataDir ? folderRecords(join(dataDir, 's3')) : noRecords, blobs);
  await catalog.load();
  for (const name of [bucket, ...(options.buckets ?? [])]) {
    if (!catalog.buckets.has(name)) await catalog.createBucket(name, context.now());
  }

  let denied: ReadonlySet<S3Operation> = new Set(options.deny);
  let url = '';
  const verify = !(options.discardBodies && options.verifyBodies === false);
  const { handle, log } = s3Handler({
    service: {
      catalog,
      blobs,
      payload: {
        etags: options.etags ?? 'md5',
        verify,
        needsChecksum: options.objectLock ?? false,
        maxBytes: MAX_BODY_BYTES,
      },
      minPartSizeBytes: options.minPartSizeBytes ?? MIN_PART_BYTES,
      habits: { ...AS_AWS, ...options.habits },
      region,
      url: () => url,
    },
    credentials: { accessKeyId, secretAccessKey },
    requiredRegion: options.region,
    denied: () => denied,
    ...context,
  });
  const listener = await listen(handle, { ...context, port: options.port ?? 0, tls: options.tls });
  url = listener.url;

  const s3: S3Sandbox = {
    url,
    port: listener.port,
    bucket,
    region,
    accessKeyId,
    secretAccessKey,
    requests: () => log.list(),
    resetRequests: () => log.reset(),
    objects: () => [...catalog.buckets.values()].flatMap(({ objects }) => [...objects.values()].map(infoOf)),
    async read(key, from = bucket) {
      const object = catalog.object(from, key);
      const chunks: Buffer[] = [];
      for await (const chunk of readSegments(blobs, object.segments, 0, object.sizeBytes)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    uploads: () =>
      [...catalog.uploads.values()].map(upload => ({
        bucket: upload.bucket,
        key: upload.key,
        uploadId: upload.uploadId,
        metadata: upload.metadata,
        parts: [...upload.parts.values()]
          .sort((a, b) => a.partNumber - b.partNumber)
          .map(({ partNumber, segment, etag }) => ({ partNumber, size: segment.sizeBytes, etag })),
      })),
    deny(operations) {
      denied = new Set(operations);
    },
  };
  return { s3, listener };
}

function infoOf(object: StoredObject): S3ObjectInfo {
  const { bucket, key, sizeBytes, etag, headers, metadata } = object;
  return { bucket, key, size: sizeBytes, etag, contentType: headers['content-type'], headers, metadata };
}
