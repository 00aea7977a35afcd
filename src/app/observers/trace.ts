import { monotonicMs } from '../../core/clock.ts';
import type { Bucket } from '../../core/storage/bucket.ts';
import type { PostResult, PostWebhook } from '../../core/webhook/post-result.ts';
import { displayUrl } from '../../core/webhook/redact.ts';

/** One request as `--verbose` shows it: what was asked for and how it ended; no header, no body, no query. */
export interface TracedRequest {
  /** `PutObject`, `POST`. */
  operation: string;
  /** The object's key, or the URL. */
  target: string;
  durationMs: number;
  ok: boolean;
  /** The status, or what went wrong, in the words that errors have too. */
  detail: string;
}

export type Trace = (request: TracedRequest) => void;

/** The methods that are one request each, and what S3 calls it. */
const OPERATIONS = {
  head: 'HeadObject',
  put: 'PutObject',
  get: 'GetObject',
  delete: 'DeleteObject',
  createUpload: 'CreateMultipartUpload',
  uploadPart: 'UploadPart',
  listParts: 'ListParts',
  listUploads: 'ListMultipartUploads',
  completeUpload: 'CompleteMultipartUpload',
  abortUpload: 'AbortMultipartUpload',
} as const satisfies Partial<Record<keyof Bucket, string>>;

/** The bucket, each of its requests told. */
export function traceBucket(bucket: Bucket, trace: Trace): Bucket {
  const traced =
    <Rest extends unknown[], T>(
      method: keyof typeof OPERATIONS,
      call: (key: string, ...rest: Rest) => Promise<T>,
      partOf: (...rest: Rest) => string = () => '',
    ) =>
    async (key: string, ...rest: Rest): Promise<T> => {
      const startedAt = monotonicMs();
      const tell = (ok: boolean, detail: string) => {
        const durationMs = Math.round(monotonicMs() - startedAt);
        trace({ operation: OPERATIONS[method], target: `${key}${partOf(...rest)}`, durationMs, ok, detail });
      };
      try {
        const result = await call(key, ...rest);
        tell(true, result === undefined && (method === 'head' || method === 'get') ? 'not there' : 'ok');
        return result;
      } catch (error) {
        tell(false, error instanceof Error ? error.message : String(error));
        throw error;
      }
    };
  return {
    ...bucket,
    head: traced('head', bucket.head),
    put: traced('put', bucket.put),
    get: traced('get', bucket.get),
    delete: traced('delete', bucket.delete),
    createUpload: traced('createUpload', bucket.createUpload),
    uploadPart: traced('uploadPart', bucket.uploadPart, (_id, number) => ` part ${number}`),
    listParts: traced('listParts', bucket.listParts),
    listUploads: traced('listUploads', bucket.listUploads),
    completeUpload: traced('completeUpload', bucket.completeUpload),
    abortUpload: traced('abortUpload', bucket.abortUpload),
  };
}

/** The webhook client, each POST told. */
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
