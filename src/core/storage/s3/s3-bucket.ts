import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { openConnections } from '../../http/connections.ts';
import type { Body } from '../body.ts';
import type { Bucket, ListedPart, ListedUpload, ObjectContent, ObjectHead, ObjectSettings } from '../bucket.ts';
import { bareEtag } from '../checksum.ts';
import { notS3, StorageFailure, toStorageFailure } from '../failure.ts';
import { STALL_MS, watchForStall } from '../stall.ts';
import { listPages } from './list-pages.ts';
import { createS3Client, type OutgoingBody, type S3Call, S3Refusal } from './s3-client.ts';
import { completeDocument, dateOf, type Element, readDocument } from './s3-xml.ts';
import type { S3Credentials } from './sigv4.ts';

export interface BucketSettings {
  endpoint: string;
  region: string;
  bucket: string;
  credentials: S3Credentials;
  caFile?: string | undefined;
  /** For proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`. */
  env: NodeJS.ProcessEnv;
  /** How long a request may go without a byte moving; 30 s unless given. */
  stallMs?: number | undefined;
  /** The same for Complete: assembling a large object takes the store a while; 5 minutes unless given. */
  completeStallMs?: number | undefined;
}

const COMPLETE_STALL_MS = 300_000;

/**
 * Opens the bucket; nothing is sent yet.
 * @param onRoundTrip told how long each request without a body took, in milliseconds
 */
export function openBucket(settings: BucketSettings, onRoundTrip: (ms: number) => void = () => {}): Bucket {
  const { endpoint, bucket: name, stallMs: usualStallMs } = settings;
  const connections = openConnections({
    ca: settings.caFile && readFileSync(settings.caFile, 'utf8'),
    proxyEnv: settings.env,
    // A proxy that hangs: the stall watch does not know its socket.
    idleTimeoutMs: STALL_MS,
  });
  const client = createS3Client({ ...settings, bucket: name }, connections, onRoundTrip);

  /** One request under the stall watch, with its failure in the user's words. */
  const request = async <T>(
    what: string,
    signal: AbortSignal,
    send: (guard: Guard) => Promise<T>,
    stallMs = usualStallMs,
  ): Promise<T> => {
    const watch = watchForStall(signal, stallMs);
    try {
      return await send(watch);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof BodyFailure) throw error.cause;
      throw toStorageFailure(error, what, endpoint);
    } finally {
      watch.stop();
    }
  };
  /** A request whose answer is an XML document. */
  const ask = (what: string, root: string, call: S3Call, signal: AbortSignal): Promise<Element> =>
    request(what, signal, async ({ abortSignal }) => {
      const { text } = await client.send(call, abortSignal);
      // moto, which many test against, answers ListParts with a ListPartsResponse.
      const document = readDocument(text, root) ?? readDocument(text, root.replace(/Result$/, 'Response'));
      if (!document) throw notS3(what, endpoint, `no ${root} in the answer`);
      return document;
    });
  /** A list, page by page. */
  const pages = (what: string, root: string, call: S3Call, markers: Record<string, string>, signal: AbortSignal) =>
    listPages(
      markers,
      query => ask(what, root, { ...call, query: { ...call.query, ...query } }, signal),
      () => notS3(what, endpoint, 'a list without an end'),
    );
  /** A request that stores bytes. */
  const store = (what: string, call: Omit<S3Call, 'method' | 'body'>, body: Body, signal: AbortSignal) =>
    request(what, signal, async ({ abortSignal, moved }) => {
      const send: OutgoingBody['send'] = outgoing =>
        body.send(outgoing, abortSignal, moved).catch(error => {
          throw abortSignal.aborted ? error : new BodyFailure(error);
        });
      const { headers } = await client.send({ ...call, method: 'PUT', body: { ...body, send } }, abortSignal);
      if (!headers.etag) throw notS3(what, endpoint, 'no ETag in the answer');
      return { etag: bareEtag(headers.etag) };
    });
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
        toHead((await client.send({ method: 'HEAD', key }, abortSignal)).headers),
      ).catch(orUndefined<ObjectHead>),

    put: (key, body, { onlyIfAbsent, ...settings }, signal) => {
      const headers = { ...headersOf(settings), ...(onlyIfAbsent && { 'if-none-match': '*' }) };
      return store(`uploading ${where(key)}`, { key, headers }, body, signal);
    },

    get: (key, signal) =>
      request(`reading ${where(key)}`, signal, async ({ abortSignal }) => {
        const answer = await client.open({ method: 'GET', key }, abortSignal);
        return { ...toHead(answer.headers), stream: content(`reading ${where(key)}`, answer, signal) };
      }).catch(orUndefined<ObjectContent>),

    delete: (key, signal) =>
      request(`deleting ${where(key)}`, signal, async ({ abortSignal }) => {
        await client.send({ method: 'DELETE', key }, abortSignal);
      }),

    async *list(prefix, signal) {
      const what = `listing ${where(prefix)}`;
      const query = { 'list-type': '2', prefix };
      const markers = { NextContinuationToken: 'continuation-token' };
      for await (const page of pages(what, 'ListBucketResult', { method: 'GET', query }, markers, signal)) {
        for (const object of page.all('Contents')) {
          yield {
            key: object.text('Key'),
            sizeBytes: object.number('Size'),
            lastModified: object.date('LastModified'),
          };
        }
      }
    },

    async createUpload(key, settings, signal) {
      const what = `uploading ${where(key)}`;
      const call = { method: 'POST', key, query: { uploads: '' }, headers: headersOf(settings) } as const;
      const uploadId = (await ask(what, 'InitiateMultipartUploadResult', call, signal)).text('UploadId');
      if (!uploadId) throw notS3(what, endpoint, 'no upload id in the answer');
      return { uploadId };
    },

    uploadPart: (key, uploadId, number, body, signal) =>
      store(
        `uploading ${where(key)}, part ${number}`,
        { key, query: { partNumber: String(number), uploadId } },
        body,
        signal,
      ),

    async listParts(key, uploadId, signal) {
      const parts: ListedPart[] = [];
      const what = `listing the parts of ${where(key)}`;
      const markers = { NextPartNumberMarker: 'part-number-marker' };
      const call = { method: 'GET', key, query: { uploadId } } as const;
      for await (const page of pages(what, 'ListPartsResult', call, markers, signal)) {
        for (const part of page.all('Part')) {
          parts.push({
            number: part.number('PartNumber'),
            etag: bareEtag(part.text('ETag')),
            sizeBytes: part.number('Size'),
            lastModified: part.date('LastModified'),
          });
        }
      }
      return { parts, serverTime: client.serverTime() };
    },

    async listUploads(prefix, signal) {
      const uploads: ListedUpload[] = [];
      const what = `listing uploads of ${where(prefix)}`;
      const markers = { NextKeyMarker: 'key-marker', NextUploadIdMarker: 'upload-id-marker' };
      const call = { method: 'GET', query: { uploads: '', prefix } } as const;
      for await (const page of pages(what, 'ListMultipartUploadsResult', call, markers, signal)) {
        for (const upload of page.all('Upload')) {
          uploads.push({
            key: upload.text('Key'),
            uploadId: upload.text('UploadId'),
            initiated: upload.date('Initiated'),
          });
        }
      }
      return uploads;
    },

    completeUpload: (key, uploadId, parts, signal) =>
      request(
        `completing ${where(key)}`,
        signal,
        async ({ abortSignal }) => {
          const headers = { 'content-type': 'application/xml' };
          const call = { method: 'POST', key, query: { uploadId }, headers, body: completeDocument(parts) } as const;
          const answer = await client.send(call, abortSignal);
          // The store answers 200 before it has assembled the object; what fails then is told in the document.
          const error = readDocument(answer.text.trimStart(), 'Error');
          if (error) throw new S3Refusal(503, error.text('Code'), answer.headers);
        },
        settings.completeStallMs ?? COMPLETE_STALL_MS,
      ),

    abortUpload: (key, uploadId, signal) =>
      request(`giving up the upload of ${where(key)}`, signal, async ({ abortSignal }) => {
        await client.send({ method: 'DELETE', key, query: { uploadId } }, abortSignal);
      }),

    close: () => connections.close(),
  };
}

type Guard = ReturnType<typeof watchForStall>;

/** The source of the bytes failed, not the store. */
class BodyFailure extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

const USER_METADATA = 'x-amz-meta-';

function headersOf({ contentType, metadata }: ObjectSettings): Record<string, string> {
  const user = Object.entries(metadata).map(([name, value]) => [`${USER_METADATA}${name}`, value]);
  return { 'content-type': contentType, ...Object.fromEntries(user) };
}

function toHead(headers: IncomingHttpHeaders): ObjectHead {
  const user = Object.entries(headers).filter(([name]) => name.startsWith(USER_METADATA));
  return {
    sizeBytes: Number(headers['content-length'] ?? 0),
    etag: bareEtag(headers.etag),
    contentType: headers['content-type'],
    metadata: Object.fromEntries(user.map(([name, value]) => [name.slice(USER_METADATA.length), String(value)])),
    lastModified: dateOf(headers['last-modified']),
  };
}
