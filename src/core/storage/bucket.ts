import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Body } from './body.ts';
import { bareEtag } from './checksum.ts';
import { notS3, StorageFailure, toStorageFailure } from './failure.ts';
import { watchForStall } from './stall.ts';

/** One S3 bucket, each method one request and one try. @throws StorageFailure where the store or the network fails */
export interface Bucket {
  readonly name: string;
  /** Which bucket this is, in the state: `<endpoint>/<bucket>`. */
  readonly target: string;
  /** Undefined where there is no such object. */
  head(key: string, signal: AbortSignal): Promise<ObjectHead | undefined>;
  put(key: string, body: Body, settings: ObjectSettings, signal: AbortSignal): Promise<{ etag: string }>;
  /** Undefined where there is no such object. The stream must be read or destroyed. */
  get(key: string, signal: AbortSignal): Promise<ObjectContent | undefined>;
  delete(key: string, signal: AbortSignal): Promise<void>;
  /** Objects below a prefix, in key order. */
  list(
    prefix: string,
    signal: AbortSignal,
  ): AsyncIterable<{ key: string; sizeBytes: number; lastModified: Date | undefined }>;
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
  close(): void;
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
}

export interface ObjectContent extends ObjectHead {
  stream: AsyncIterable<Uint8Array>;
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

export interface BucketSettings {
  endpoint: string;
  region: string;
  bucket: string;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined };
  caFile?: string | undefined;
  /** For proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`. */
  env: NodeJS.ProcessEnv;
  /** How long a request may go without a byte moving; 30 s unless given. */
  stallMs?: number | undefined;
  /** The same for Complete: assembling a large object takes the store a while; 5 minutes unless given. */
  completeStallMs?: number | undefined;
}

const CONNECT_TIMEOUT_MS = 10_000;
const COMPLETE_STALL_MS = 300_000;

/**
 * Opens the bucket; nothing is sent yet.
 * @param onRoundTrip told how long each request without a body took, in milliseconds
 */
export function openBucket(settings: BucketSettings, onRoundTrip: (ms: number) => void = () => {}): Bucket {
  const { endpoint, bucket: name, stallMs: usualStallMs } = settings;
  const { client, serverTime } = makeClient(settings);

  /** One request under the stall watch, with its failure in the user's words. */
  const request = async <T>(
    what: string,
    signal: AbortSignal,
    send: (options: Guard) => Promise<T>,
    stallMs = usualStallMs,
  ): Promise<T> => {
    const watch = watchForStall(signal, stallMs);
    try {
      return await send(watch);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      // A failing body or a stall aborts the request from inside: that is the cause to report.
      const cause = watch.abortSignal.aborted ? watch.abortSignal.reason : error;
      if (cause instanceof BodyFailure) throw cause.cause;
      throw toStorageFailure(cause, what, endpoint);
    } finally {
      watch.stop();
    }
  };
  const timed = async <T>(send: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    try {
      return await send();
    } finally {
      onRoundTrip(performance.now() - startedAt);
    }
  };
  const openBody = (body: Body, { abortSignal, moved, abort }: Guard) => {
    const stream = body.open(abortSignal, moved);
    stream.once('error', error => abort(new BodyFailure(error)));
    abortSignal.addEventListener('abort', () => stream.destroy(), { once: true });
    return stream;
  };
  /** An object's bytes as they come in, under a stall watch of their own: the answer's head has ended its request. */
  async function* content(what: string, stream: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { abortSignal, moved, stop } = watchForStall(signal, usualStallMs);
    const end = () => stream.destroy(abortSignal.reason);
    abortSignal.addEventListener('abort', end, { once: true });
    try {
      for await (const chunk of stream) {
        yield chunk;
        moved();
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toStorageFailure(error, what, endpoint);
    } finally {
      stop();
      stream.destroy();
    }
  }
  /** Undefined in place of a 404 for an object; a missing bucket stays an error. */
  const orUndefined = <T>(error: unknown): T | undefined => {
    if (error instanceof StorageFailure && error.kind === 'missing') return undefined;
    throw error;
  };
  const where = (key: string) => `${name}/${key}`;

  return {
    name,
    target: `${endpoint}/${name}`,

    head: (key, signal) =>
      request(`checking ${where(key)}`, signal, async ({ abortSignal }) =>
        timed(async () =>
          toHead(await client.send(new HeadObjectCommand({ Bucket: name, Key: key }), { abortSignal })),
        ),
      ).catch(orUndefined<ObjectHead>),

    put: (key, body, { contentType, metadata, onlyIfAbsent }, signal) =>
      request(`uploading ${where(key)}`, signal, async guard => {
        const input = {
          Bucket: name,
          Key: key,
          Body: openBody(body, guard),
          ContentLength: body.sizeBytes,
          ContentType: contentType,
          Metadata: metadata,
          ...(onlyIfAbsent && { IfNoneMatch: '*' }),
          [BODY_DIGEST]: body.sha256,
        };
        const answer = await client.send(new PutObjectCommand(input), guard);
        if (!answer.ETag) throw notS3(`uploading ${where(key)}`, endpoint, 'no ETag in the answer');
        return { etag: bareEtag(answer.ETag) };
      }),

    get: (key, signal) =>
      request(`reading ${where(key)}`, signal, async ({ abortSignal }) => {
        const answer = await client.send(new GetObjectCommand({ Bucket: name, Key: key }), { abortSignal });
        return { ...toHead(answer), stream: content(`reading ${where(key)}`, answer.Body as Readable, signal) };
      }).catch(orUndefined<ObjectContent>),

    delete: (key, signal) =>
      request(`deleting ${where(key)}`, signal, async ({ abortSignal }) => {
        await client.send(new DeleteObjectCommand({ Bucket: name, Key: key }), { abortSignal });
      }),

    async *list(prefix, signal) {
      let ContinuationToken: string | undefined;
      do {
        const page = await request(`listing ${where(prefix)}`, signal, ({ abortSignal }) =>
          client.send(new ListObjectsV2Command({ Bucket: name, Prefix: prefix, ContinuationToken }), { abortSignal }),
        );
        for (const { Key, Size, LastModified } of page.Contents ?? [])
          yield { key: Key ?? '', sizeBytes: Size ?? 0, lastModified: LastModified };
        ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (ContinuationToken);
    },

    createUpload: (key, { contentType, metadata }, signal) =>
      request(`uploading ${where(key)}`, signal, async ({ abortSignal }) => {
        const input = { Bucket: name, Key: key, ContentType: contentType, Metadata: metadata };
        const { UploadId } = await client.send(new CreateMultipartUploadCommand(input), { abortSignal });
        if (!UploadId) throw notS3(`uploading ${where(key)}`, endpoint, 'no upload id in the answer');
        return { uploadId: UploadId };
      }),

    uploadPart: (key, uploadId, number, body, signal) =>
      request(`uploading ${where(key)}, part ${number}`, signal, async guard => {
        const input = {
          Bucket: name,
          Key: key,
          UploadId: uploadId,
          PartNumber: number,
          Body: openBody(body, guard),
          ContentLength: body.sizeBytes,
          [BODY_DIGEST]: body.sha256,
        };
        const answer = await client.send(new UploadPartCommand(input), guard);
        if (!answer.ETag) throw notS3(`uploading ${where(key)}`, endpoint, 'no ETag in the answer');
        return { etag: bareEtag(answer.ETag) };
      }),

    async listParts(key, uploadId, signal) {
      const parts: ListedPart[] = [];
      let PartNumberMarker: string | undefined;
      do {
        const page = await request(`listing the parts of ${where(key)}`, signal, ({ abortSignal }) =>
          client.send(new ListPartsCommand({ Bucket: name, Key: key, UploadId: uploadId, PartNumberMarker }), {
            abortSignal,
          }),
        );
        for (const part of page.Parts ?? []) {
          parts.push({
            number: part.PartNumber ?? 0,
            etag: bareEtag(part.ETag),
            sizeBytes: part.Size ?? 0,
            lastModified: part.LastModified,
          });
        }
        PartNumberMarker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
      } while (PartNumberMarker);
      return { parts, serverTime: serverTime() };
    },

    async listUploads(prefix, signal) {
      const uploads: ListedUpload[] = [];
      let markers: UploadMarkers | undefined = {};
      while (markers) {
        const input = { Bucket: name, Prefix: prefix, ...(markers as UploadMarkers) };
        const page: ListMultipartUploadsCommandOutput = await request(
          `listing uploads of ${where(prefix)}`,
          signal,
          ({ abortSignal }) => timed(() => client.send(new ListMultipartUploadsCommand(input), { abortSignal })),
        );
        for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
          uploads.push({ key: Key ?? '', uploadId: UploadId ?? '', initiated: Initiated });
        }
        markers = page.IsTruncated
          ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
          : undefined;
      }
      return uploads;
    },

    completeUpload: (key, uploadId, parts, signal) =>
      request(
        `completing ${where(key)}`,
        signal,
        async ({ abortSignal }) => {
          const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: `"${etag}"` }));
          const input = { Bucket: name, Key: key, UploadId: uploadId, MultipartUpload: { Parts } };
          await client.send(new CompleteMultipartUploadCommand(input), { abortSignal });
        },
        settings.completeStallMs ?? COMPLETE_STALL_MS,
      ),

    abortUpload: (key, uploadId, signal) =>
      request(`giving up the upload of ${where(key)}`, signal, async ({ abortSignal }) => {
        await client.send(new AbortMultipartUploadCommand({ Bucket: name, Key: key, UploadId: uploadId }), {
          abortSignal,
        });
      }),

    close: () => client.destroy(),
  };
}

/** Where the next page of open uploads begins. */
type UploadMarkers = { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined };
type Guard = ReturnType<typeof watchForStall>;

/** The source of the bytes failed, not the store. */
class BodyFailure extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** Names the input field that carries a body's digest to the signer; S3 knows nothing of it. */
const BODY_DIGEST = 'bodyDigest';

const silence = () => {};
const SILENT = { trace: silence, debug: silence, info: silence, warn: silence, error: silence };

function makeClient({ endpoint, region, credentials, caFile, env }: BucketSettings): {
  client: S3Client;
  serverTime: () => Date;
} {
  const proxyEnv = hasProxy(env) ? env : undefined;
  const agentOptions = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, ...(proxyEnv && { proxyEnv }) };
  const client = new S3Client({
    endpoint,
    region,
    credentials: { ...credentials, sessionToken: credentials.sessionToken },
    forcePathStyle: true,
    // IDrive E2 and others refuse the SDK's own checksum trailers; the signed SHA-256 is checked everywhere.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Retrying is persistence.ts's: the SDK's shared quota gives up when many requests fail together.
    maxAttempts: 1,
    retryMode: 'standard',
    // A connection for each large body otherwise.
    expectContinueHeader: false,
    cacheMiddleware: true,
    // Given, so that the SDK does not look for them in the files of the AWS command line.
    defaultsMode: 'standard',
    authSchemePreference: ['aws.auth#sigv4'],
    sigv4aSigningRegionSet: [region],
    useArnRegion: false,
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    disableS3ExpressSessionAuth: true,
    userAgentAppId: 'recordupload',
    // The SDK tells the console of failures that are reported here in the user's words.
    logger: SILENT,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: COMPLETE_STALL_MS,
      httpAgent: new HttpAgent(agentOptions),
      httpsAgent: new HttpsAgent({ ...agentOptions, ...(caFile && { ca: trusted(caFile) }) }),
    }),
  });
  client.middlewareStack.add(
    next => args => {
      const digest = (args.input as { [BODY_DIGEST]?: Buffer })[BODY_DIGEST];
      if (digest)
        (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = digest.toString('hex');
      return next(args);
    },
    { step: 'build', name: 'signBodyDigest' },
  );
  let aheadMs = 0;
  client.middlewareStack.add(
    next => async args => {
      const result = await next(args);
      const date = Date.parse((result.response as { headers?: Record<string, string> }).headers?.date ?? '');
      if (!Number.isNaN(date)) aheadMs = date - Date.now();
      return result;
    },
    { step: 'deserialize', name: 'learnServerTime', priority: 'low' },
  );
  return { client, serverTime: () => new Date(Date.now() + aheadMs) };
}

/** The system's authorities and those of the file. */
function trusted(caFile: string): string[] {
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  return [...getCACertificates('default'), readFileSync(caFile, 'utf8')];
}

function hasProxy(env: NodeJS.ProcessEnv): boolean {
  return ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some(name => env[name]);
}

function toHead(answer: {
  ContentLength?: number | undefined;
  ETag?: string | undefined;
  ContentType?: string | undefined;
  Metadata?: Record<string, string> | undefined;
  LastModified?: Date | undefined;
}): ObjectHead {
  return {
    sizeBytes: answer.ContentLength ?? 0,
    etag: bareEtag(answer.ETag),
    contentType: answer.ContentType,
    metadata: answer.Metadata ?? {},
    lastModified: answer.LastModified,
  };
}
