import { monotonicMs } from '../../core/clock.ts';
import { displayUrl } from '../../core/redact.ts';
import type { Bucket, BucketMethods } from '../../core/storage/bucket.ts';
import { wrapBucket } from '../../core/storage/wrap-bucket.ts';
import type { PostResult, PostWebhook } from '../../core/webhook/post-result.ts';

/** One request: what was asked for and how it ended. Contains no header, body or query. */
export interface TracedRequest {
  /** `PutObject`, `POST`. */
  operation: string;
  /** The object's key, or the URL. */
  target: string;
  durationMs: number;
  ok: boolean;
  /** The status, or the message of the error. */
  detail: string;
}

export type Trace = (request: TracedRequest) => void;

/** What S3 calls the methods. */
const OPERATIONS = {
  head: 'HeadObject',
  put: 'PutObject',
  get: 'GetObject',
  delete: 'DeleteObject',
  list: 'ListObjectsV2',
  createUpload: 'CreateMultipartUpload',
  uploadPart: 'UploadPart',
  listParts: 'ListParts',
  listUploads: 'ListMultipartUploads',
  completeUpload: 'CompleteMultipartUpload',
  abortUpload: 'AbortMultipartUpload',
} as const satisfies Record<keyof BucketMethods, string>;

/** The bucket, with a line for each call. */
export function traceBucket(bucket: Bucket, trace: Trace): Bucket {
  return wrapBucket<string>(bucket, OPERATIONS, async (operation, call, [key, _uploadId, number]) => {
    const target = operation === OPERATIONS.uploadPart ? `${key} part ${number}` : String(key);
    const startedAt = monotonicMs();
    const tell = (ok: boolean, detail: string) =>
      trace({ operation, target, durationMs: Math.round(monotonicMs() - startedAt), ok, detail });
    try {
      const result = await call();
      const isMissing = result === undefined && (operation === OPERATIONS.head || operation === OPERATIONS.get);
      tell(true, isMissing ? 'not there' : 'ok');
      return result;
    } catch (error) {
      tell(false, error instanceof Error ? error.message : String(error));
      throw error;
    }
  });
}

/** The webhook client, with a line for each POST. */
export function tracePost(post: PostWebhook, trace: Trace): PostWebhook {
  return async request => {
    const result = await post(request);
    const { origin, pathname } = new URL(displayUrl(request.url));
    const ok = result.kind === 'answer' && result.status >= 200 && result.status < 300;
    const durationMs = Math.round(result.timings.total);
    trace({ operation: 'POST', target: `${origin}${pathname}`, durationMs, ok, detail: detailOf(result) });
    return result;
  };
}

function detailOf(result: PostResult): string {
  switch (result.kind) {
    case 'answer':
      return String(result.status);
    case 'network':
      return `${result.what} (${result.code})`;
    default:
      return result.kind;
  }
}
