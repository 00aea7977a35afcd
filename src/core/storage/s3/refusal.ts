import { networkFailure, notS3, refusedByStore, StorageFailure } from '../failure.ts';
import { AnswerTooLong, type S3Call } from './request-handler.ts';

/**
 * The statuses of errors that come in a 200: S3 answers 200 before it has put a large object together, and says in the
 * document what failed then. A code that is not listed counts as one that may pass.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  ExpiredToken: 400,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRequest: 400,
  InvalidToken: 400,
  MalformedXML: 400,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  PreconditionFailed: 412,
  QuotaExceeded: 403,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  XMinioAdminBucketQuotaExceeded: 400,
};
const PASSES_BY_ITSELF = 503;

/** What its errors say of a call. */
export interface CallFacts {
  /** The call in the user's words: `uploading 3/video.mkv`. */
  what: string;
  endpoint: string;
  /** The variable that names the proxy which the call goes through. */
  proxyVariable?: string | undefined;
  isHead?: boolean | undefined;
  /** The document that a success brings; headers alone unless given. */
  expected?: string | undefined;
}

/** Turns whatever the SDK threw into a `StorageFailure`. */
export function toStorageFailure(
  error: unknown,
  { answer, failure }: Pick<S3Call, 'answer' | 'failure'>,
  { what, endpoint, proxyVariable, isHead, expected }: CallFacts,
): StorageFailure {
  if (error instanceof StorageFailure) return error;
  const unreadable = (cause: unknown) =>
    notS3(what, endpoint, `no ${expected ?? 'valid headers'} in the answer`, cause);
  if (failure instanceof AnswerTooLong) return unreadable(failure);
  if (failure) return networkFailure(failure, what, endpoint, proxyVariable);
  const code = codeOf(error);
  if (!answer) {
    // The SDK sent nothing: it does not accept the bucket's name, the region or the endpoint.
    return new StorageFailure(`${what}: ${(error as Error).message}`, {
      kind: 'refused',
      status: undefined,
      reason: 'Unsendable',
      hint: 'check endpoint, region and bucket',
      cause: error,
    });
  }
  const { status, headers, isEmpty } = answer;
  if (status < 300) {
    // An empty answer to a Complete says nothing about the object.
    if (code === '' && !(expected && isEmpty)) return unreadable(error);
    const answered = `${status} with ${code || 'nothing'} in it`;
    const counted = STATUS_OF_CODE[code] ?? PASSES_BY_ITSELF;
    return refusedByStore(
      { answered, status: counted, code, date: headers.date, isPage: false },
      what,
      endpoint,
      error,
    );
  }
  const isPage = !isHead && /text\/html/i.test(headers['content-type'] ?? '');
  const answered = `${status}${code && ` ${code}`}`;
  return refusedByStore({ answered, status, code, date: headers.date, isPage }, what, endpoint, error);
}

/** S3's code, where the answer's document has one; the SDK makes up a name where it has none. */
function codeOf(error: unknown): string {
  const { Code } = error as { Code?: unknown };
  return typeof Code === 'string' ? Code : '';
}
