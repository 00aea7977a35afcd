import type { Redactor } from '../../redact.ts';
import { networkFailure, notS3, passesByItself, refusedByPage, refusedByStore, StorageFailure } from '../failure.ts';
import type { StoreWords } from '../refusal-hints.ts';
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

/** What is the same for all calls of a bucket. */
export interface Destination {
  endpoint: string;
  bucket: string;
  /** The variable that names the proxy which the calls go through. */
  proxyVariable?: string | undefined;
  /** Knows the keys and other secrets of the run: a store, or a proxy before it, may repeat them. */
  redactor: () => Redactor;
}

/** What its errors say of a call. */
export interface CallFacts {
  /** The call in the user's words: `uploading 3/video.mkv`. */
  what: string;
  isHead?: boolean | undefined;
  /** The document that a success brings; headers alone unless given. */
  expected?: string | undefined;
}

/** Turns whatever the SDK threw into a `StorageFailure`. */
export function toStorageFailure(
  error: unknown,
  { answer, failure }: Pick<S3Call, 'answer' | 'failure'>,
  { what, isHead, expected }: CallFacts,
  destination: Destination,
): StorageFailure {
  const { endpoint, proxyVariable } = destination;
  if (error instanceof StorageFailure) return error;
  const unreadable = (cause: unknown) =>
    notS3(what, endpoint, `no ${expected ?? 'valid headers'} in the answer`, cause);
  if (failure instanceof AnswerTooLong) return unreadable(failure);
  if (failure) return networkFailure(failure, what, endpoint, proxyVariable);
  const code = codeOf(error, destination);
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
  const words = wordsOf(error, answer, destination);
  const times = { date: headers.date, retryAfter: headers['retry-after'] };
  if (status < 300) {
    // An empty answer to a Complete says nothing about the object.
    if (code === '' && !(expected && isEmpty)) return unreadable(error);
    const answered = `${status} with ${code || 'nothing'} in it`;
    const counted = STATUS_OF_CODE[code] ?? PASSES_BY_ITSELF;
    return refusedByStore({ ...words, ...times, answered, status: counted }, what, endpoint, error);
  }
  const isPage = !isHead && /text\/html/i.test(headers['content-type'] ?? '');
  if (isPage && !passesByItself(status)) {
    const shown = (text: string) => shortened(destination.redactor().excerpt(text), LONGEST_TITLE);
    const from = headers.server ? ` from ${shown(String(headers.server))}` : '';
    const page = `${from}${answer.title?.trim() ? `: ${JSON.stringify(shown(answer.title))}` : ''}`;
    return refusedByPage({ status, page, address: words.address }, what, endpoint, error);
  }
  const answered = `${status}${code && ` ${code}`}`;
  return refusedByStore({ ...words, ...times, answered, status }, what, endpoint, error);
}

/** A store's sentence is short; a proxy's page may not be. */
const LONGEST_MESSAGE = 300;
const LONGEST_TITLE = 100;
const REGION = /^[a-z0-9-]{1,64}$/i;

/** What the store says of its refusal, and the region and the address that it names. */
function wordsOf(
  error: unknown,
  { status, headers, text }: NonNullable<S3Call['answer']>,
  { bucket, endpoint, redactor }: Destination,
): StoreWords {
  const code = codeOf(error, { redactor });
  const { message, Region, Endpoint } = error as { message?: unknown; Region?: unknown; Endpoint?: unknown };
  // Without a code, the SDK's message is its own; the response may still be readable: `error code: 1020`.
  const said = code ? String(message ?? '') : status >= 400 ? (text ?? '') : '';
  const line = redactor().excerpt(said);
  // The second is AWS's, of a bucket that is in another region than the one that was asked.
  const [, wanted, located] =
    /expecting ['"`]([a-z0-9-]+)['"`]|the (\w+-\S+-\d+) location constraint/i.exec(said) ?? [];
  const expected = wanted ?? located;
  const region = [Region, headers['x-amz-bucket-region'], expected].find(
    (one): one is string => typeof one === 'string' && REGION.test(one),
  );
  return {
    code,
    message: shortened(line, LONGEST_MESSAGE),
    region,
    address: addressOf(Endpoint ?? namedElsewhere(status, headers.location, endpoint), { bucket, endpoint }),
  };
}

const shortened = (line: string, length: number) => (line.length > length ? `${line.slice(0, length)}…` : line);

/**
 * `Location`, where it names the same service: MinIO's console names the API with its 400, and proxies redirect from http
 * to https on one host. A redirect to another host may lead to a login page.
 */
function namedElsewhere(status: number, location: string | undefined, endpoint: string): string | undefined {
  if (!location || !URL.canParse(location, endpoint)) return undefined;
  const url = new URL(location, endpoint);
  return status === 400 || url.hostname === new URL(endpoint).hostname ? url.origin : undefined;
}

/** The endpoint that leads to the bucket where the store sends its users; undefined if it is the one that was asked. */
function addressOf(named: unknown, { bucket, endpoint }: Pick<Destination, 'bucket' | 'endpoint'>): string | undefined {
  if (typeof named !== 'string' || named === '') return undefined;
  const { protocol } = new URL(endpoint);
  const text = /^https?:/.test(named) ? named : `${protocol}//${named}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  // A store names the bucket's own host; the endpoint is the host without the bucket.
  const host = url.host.startsWith(`${bucket}.`) ? url.host.slice(bucket.length + 1) : url.host;
  const address = `${url.protocol}//${host}`;
  return address === new URL(endpoint).origin ? undefined : address;
}

/**
 * S3's code, where the answer's document has one; the SDK makes up a name where it has none. Anything that does not look
 * like a code, or may be a secret, counts as none.
 */
function codeOf(error: unknown, { redactor }: Pick<Destination, 'redactor'>): string {
  const { Code } = error as { Code?: unknown };
  if (typeof Code !== 'string' || !/^[A-Za-z0-9._-]{1,64}$/.test(Code)) return '';
  return redactor().foreign(Code) === Code ? Code : '';
}
