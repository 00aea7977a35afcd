import type { Readable } from 'node:stream';
import type { Connections } from '../../http/connections.ts';
import type { Body } from '../body.ts';
import type { BucketMethods, ListedUpload, ObjectContent, ObjectHead } from '../bucket.ts';
import { bareEtag } from '../checksum.ts';
import { networkFailure, notS3, StorageFailure } from '../failure.ts';
import { wantsContentMd5 } from '../refusal-hints.ts';
import { watchForStall } from '../stall.ts';
import { createByteBudget } from './byte-budget.ts';
import { conditionalWrites } from './conditional-writes.ts';
import { createHeadExplainer } from './explain-head.ts';
import { openClient } from './open-client.ts';
import { allPages, type Page, paginateListMultipartUploads } from './pages.ts';
import { type CallFacts, toStorageFailure } from './refusal.ts';
import { BodyFailure, currentCall, IN_SLICES, type S3Call } from './request-handler.ts';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  paginateListParts,
  Upload,
  UploadPartCommand,
} from './sdk.ts';
import type { BucketSettings } from './settings.ts';
import { paramsOf, toHead } from './shapes.ts';

const COMPLETE_STALL_MS = 300_000;
/** lib-storage holds an object that goes up whole in memory; a far store has many of them in flight. */
const HELD_BYTES = 64 * 1024 * 1024;
/** What lib-storage's parts have at least. */
const LEAST_PART_BYTES = 5 * 1024 * 1024;

/** One request. */
interface Task extends CallFacts {
  stallMs?: number | undefined;
  body?: Body;
  streamsAnswer?: boolean;
}

/** The port on the AWS SDK: its commands, each under the stall watch, their errors in the user's words. */
export function createSdkBucket(
  settings: BucketSettings,
  connections: Connections,
  onRoundTrip: (ms: number) => void,
): BucketMethods {
  const { endpoint, bucket: Bucket, stallMs: usualStallMs } = settings;
  const { client, redactor } = openClient(settings, connections, onRoundTrip);
  const proxyVariable = connections.proxyFor(new URL(endpoint))?.variable;
  const destination = { endpoint, bucket: Bucket, proxyVariable, redactor };
  let needsMd5 = false;
  const conditional = conditionalWrites();
  const held = createByteBudget(HELD_BYTES);

  /** Makes one request under the stall watch; what it throws is in the user's words. */
  const request = async <T>(task: Task, signal: AbortSignal, send: (call: S3Call) => Promise<T>): Promise<T> => {
    const { body, streamsAnswer, stallMs = usualStallMs, ...facts } = task;
    const watch = watchForStall(signal, stallMs);
    const call: S3Call = { watch, body, streamsAnswer };
    try {
      return await currentCall.run(call, () => send(call));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (call.failure instanceof BodyFailure) throw call.failure.cause;
      throw toStorageFailure(error, call, facts, destination);
    } finally {
      watch.stop();
      // Connections remember the call that opened them, and would keep its bytes in memory.
      call.body = undefined;
    }
  };
  /** Sends bytes. A bucket with Object Lock may want their MD5: once one has, all bodies carry it. */
  const store = async <T>(task: Task & { body: Body }, signal: AbortSignal, send: () => Promise<T>): Promise<T> => {
    const withMd5 = async (call: S3Call) => {
      call.contentMd5 = await task.body.md5();
      return send();
    };
    if (needsMd5) return await request(task, signal, withMd5);
    try {
      return await request(task, signal, send);
    } catch (error) {
      if (!(error instanceof StorageFailure && wantsContentMd5(error))) throw error;
      needsMd5 = true;
      return await request(task, signal, withMd5);
    }
  };
  /** A list, page by page; each page is a request of its own. */
  const list = <P extends Page, Item>(
    task: Task,
    pages: AsyncIterator<P, unknown>,
    read: (page: P) => { items: readonly Item[]; next: readonly unknown[] },
    signal: AbortSignal,
    atMost?: number,
  ): Promise<Item[]> => {
    const ask = () =>
      request(task, signal, async () => {
        const { done, value } = await pages.next();
        if (done) return undefined;
        const page = value as P;
        // The SDK makes an empty page of an empty answer, and of a document of another kind.
        if (Object.keys(page).every(member => member === '$metadata')) throw notA(task);
        return page;
      });
    return allPages(ask, read, () => notS3(task.what, endpoint, 'a list without an end'), atMost);
  };
  const notA = ({ what, expected }: Task) => notS3(what, endpoint, `no ${expected} in the answer`);
  const stored = (what: string, { ETag }: { ETag?: string | undefined }) => {
    if (!ETag) throw notS3(what, endpoint, 'no ETag in the answer');
    return { etag: bareEtag(ETag) };
  };
  /** An object's bytes as they come in, under a stall watch of their own: its request has ended with the head. */
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
      throw networkFailure(error, what, endpoint, proxyVariable);
    } finally {
      stop();
      stream.destroy();
    }
  }
  const explainHead = createHeadExplainer((Key, signal) =>
    request({ what: `checking ${where(Key)}`, streamsAnswer: true }, signal, async () => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=0-0' }));
      (Body as Readable).destroy();
    }),
  );
  /** Undefined in place of a 404 for an object; a missing bucket stays an error. */
  const orUndefined = <T>(error: unknown): T | undefined => {
    if (error instanceof StorageFailure && error.kind === 'missing') return undefined;
    throw error;
  };
  const where = (key: string) => `${Bucket}/${key}`;

  return {
    head: (Key, signal) =>
      request({ what: `checking ${where(Key)}`, isHead: true }, signal, async () =>
        toHead(await client.send(new HeadObjectCommand({ Bucket, Key }))),
      )
        .catch(refusal => explainHead(refusal, Key, signal))
        .catch(orUndefined<ObjectHead>),

    async put(Key, body, object, signal) {
      const what = `uploading ${where(Key)}`;
      const giveBack = await held.take(body.sizeBytes, signal);
      try {
        return await conditional(object, onlyIf =>
          store({ what, body }, signal, async () => {
            const upload = new Upload({
              client,
              params: { Bucket, Key, Body: body.read(), ...paramsOf(object, settings), ...onlyIf },
              // Never in parts: those would be lost with the process.
              partSize: Math.max(LEAST_PART_BYTES, body.sizeBytes),
              queueSize: 1,
              leavePartsOnError: true,
            });
            const { ETag, VersionId } = await upload.done();
            return { ...stored(what, { ETag }), ...(VersionId && { versionId: VersionId }) };
          }),
        );
      } finally {
        giveBack();
      }
    },

    get(Key, signal) {
      const what = `reading ${where(Key)}`;
      return request({ what, streamsAnswer: true }, signal, async () => {
        const object = await client.send(new GetObjectCommand({ Bucket, Key }));
        return { ...toHead(object), stream: content(what, object.Body as Readable, signal) };
      }).catch(orUndefined<ObjectContent>);
    },

    delete: (Key, signal) =>
      request({ what: `deleting ${where(Key)}` }, signal, async () => {
        await client.send(new DeleteObjectCommand({ Bucket, Key }));
      }),

    list: (Prefix, { atMost }, signal) =>
      list(
        { what: `listing ${where(Prefix)}`, expected: 'ListBucketResult' },
        paginateListObjectsV2({ client }, { Bucket, Prefix }),
        ({ Contents = [], NextContinuationToken }) => ({
          items: Contents.map(({ Key = '', Size = 0, LastModified }) => ({
            key: Key,
            sizeBytes: Size,
            lastModified: LastModified,
          })),
          next: [NextContinuationToken],
        }),
        signal,
        atMost,
      ),

    createUpload(Key, object, signal) {
      const task = { what: `uploading ${where(Key)}`, expected: 'InitiateMultipartUploadResult' };
      return request(task, signal, async call => {
        const { UploadId } = await client.send(
          new CreateMultipartUploadCommand({ Bucket, Key, ...paramsOf(object, settings) }),
        );
        if (call.answer?.isEmpty) throw notA(task);
        if (!UploadId) throw notS3(task.what, endpoint, 'no upload id in the answer');
        return { uploadId: UploadId };
      });
    },

    uploadPart(Key, UploadId, PartNumber, body, signal) {
      const what = `uploading ${where(Key)}, part ${PartNumber}`;
      return store({ what, body }, signal, async () => {
        const part = { Bucket, Key, UploadId, PartNumber, Body: IN_SLICES, ContentLength: body.sizeBytes };
        return stored(what, await client.send(new UploadPartCommand(part)));
      });
    },

    async listParts(Key, UploadId, signal) {
      const task = { what: `listing the parts of ${where(Key)}`, expected: 'ListPartsResult' };
      const parts = await list(
        task,
        paginateListParts({ client }, { Bucket, Key, UploadId }),
        ({ UploadId: answered, Parts = [], NextPartNumberMarker }) => {
          // A list of another upload's parts is none of this one's.
          if (answered && answered !== UploadId) throw notA(task);
          return {
            items: Parts.map(({ PartNumber = 0, ETag, Size = 0, LastModified }) => ({
              number: PartNumber,
              etag: bareEtag(ETag),
              sizeBytes: Size,
              lastModified: LastModified,
            })),
            next: [NextPartNumberMarker],
          };
        },
        signal,
      );
      return { parts, serverTime: new Date(Date.now() + client.config.systemClockOffset) };
    },

    listUploads: (Prefix, signal) =>
      list(
        { what: `listing uploads of ${where(Prefix)}`, expected: 'ListMultipartUploadsResult' },
        paginateListMultipartUploads({ client }, { Bucket, Prefix }),
        ({ Uploads = [], NextKeyMarker, NextUploadIdMarker }) => ({
          items: Uploads.map(
            ({ Key = '', UploadId = '', Initiated }): ListedUpload => ({
              key: Key,
              uploadId: UploadId,
              initiated: Initiated,
            }),
          ),
          next: [NextKeyMarker, NextUploadIdMarker],
        }),
        signal,
      ),

    completeUpload(Key, UploadId, parts, condition, signal) {
      const stallMs = settings.completeStallMs ?? COMPLETE_STALL_MS;
      const task = { what: `completing ${where(Key)}`, expected: 'CompleteMultipartUploadResult', stallMs };
      const MultipartUpload = {
        Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: `"${etag}"` })),
      };
      return conditional(condition, onlyIf =>
        request(task, signal, async () => {
          await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload, ...onlyIf }));
        }),
      );
    },

    abortUpload: (Key, UploadId, signal) =>
      request({ what: `giving up the upload of ${where(Key)}` }, signal, async () => {
        await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      }),
  };
}
