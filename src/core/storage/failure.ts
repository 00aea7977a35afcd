import { AppError, isOutOfFiles, OPEN_FILES_HINT } from '../errors.ts';

/**
 * What to make of a failed S3 call:
 * `transient` may pass and is tried again; `skew` passes once the client has learned the server's time;
 * `missing` (404) means the thing asked for is not there; `refused` stays as it is until somebody acts.
 */
export type FailureKind = 'transient' | 'skew' | 'missing' | 'refused';

/** One failed S3 call, in the user's words. */
export class StorageFailure extends AppError {
  readonly kind: FailureKind;
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** S3's error code (`NoSuchUpload`, `AccessDenied`, …) or the system's (`ECONNREFUSED`). */
  readonly reason: string;

  constructor(
    message: string,
    details: {
      kind: FailureKind;
      status: number | undefined;
      reason: string;
      hint?: string | undefined;
      cause?: unknown;
    },
  ) {
    super('STORAGE', message, details);
    this.kind = details.kind;
    this.status = details.status;
    this.reason = details.reason;
  }
}

/** Statuses that pass by themselves. 520–527 are what CDNs and proxies in front of a store say for its outages. */
const TRANSIENT_STATUSES = new Set([
  408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530,
]);

/** S3 codes that pass although their status is a 4xx. */
const TRANSIENT_REASONS = new Set([
  'RequestTimeout',
  'SlowDown',
  'OperationAborted',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
  'BadDigest',
  'InternalError',
]);

/** What an operator does about a refusal, by S3's error code. */
const HINTS: Record<string, string> = {
  InvalidAccessKeyId: 'check accessKeyId (AWS_ACCESS_KEY_ID): the store does not know this key, or it has expired',
  SignatureDoesNotMatch: 'check secretAccessKey (AWS_SECRET_ACCESS_KEY): it does not belong to this access key',
  AccessDenied: 'check that the access key may read and write this bucket',
  Forbidden: 'check the access key and that it may read and write this bucket',
  NoSuchBucket: 'check bucket and endpoint, or create the bucket',
  PermanentRedirect: 'the bucket is in another region: check endpoint and region',
  AuthorizationHeaderMalformed: 'check region: the store expects another one',
  RequestTimeTooSkewed: "set this machine's clock: it differs from the store's by more than 15 minutes",
  QuotaExceeded: 'the store says that its quota is used up: make room or raise it',
  XMinioAdminBucketQuotaExceeded: "the bucket's quota is used up: make room or raise it",
  EntityTooLarge: 'the store does not take objects or parts of this size',
};

/** The same by status, where the code says nothing. */
const STATUS_HINTS: Record<number, string | undefined> = {
  301: HINTS.PermanentRedirect,
  307: HINTS.PermanentRedirect,
  403: HINTS.Forbidden,
  407: 'a proxy on the way wants a user name and a password: put them into its address in HTTPS_PROXY or HTTP_PROXY',
};

/** The same for a 400 without a code. Each upload begins with a HEAD, and a store that expects another region answers it so. */
const HINT_400 = 'check region and endpoint: a store that expects another region answers so';

/** TLS failures: the certificate stays wrong until somebody acts. */
const TLS_REASON = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** What the store answered in place of a success. */
export interface Refusal {
  /** As the user reads it: `403 AccessDenied`. */
  answered: string;
  /** The HTTP status that it counts as. */
  status: number;
  /** S3's code (`NoSuchKey`, …); empty where the answer has none, as that to a HEAD. */
  code: string;
  /** The store's time, as the answer has it. */
  date: string | undefined;
  /** The answer is a web page. Not where the answer to a HEAD announces one: some stores announce it for everything. */
  isPage: boolean;
}

/**
 * The failure of a call that the store has refused.
 * @param what the call in the user's words: `uploading 3/video.mkv`
 */
export function refusedByStore(refusal: Refusal, what: string, endpoint: string, cause: unknown): StorageFailure {
  const { answered, status, code, date, isPage } = refusal;
  if (isPage && !TRANSIENT_STATUSES.has(status)) {
    return notS3(what, endpoint, `HTTP ${status} with a web page`, cause);
  }
  const message = `${what}: the store answered ${answered}`;
  const details = { status, reason: code || 'Unknown', cause };
  // The answer to a HEAD has no body, and so no code: the server's clock gives it away.
  if (code === 'RequestTimeTooSkewed' || (status === 403 && !code && isSkewed(date))) {
    return new StorageFailure(message, { ...details, kind: 'skew', hint: HINTS.RequestTimeTooSkewed });
  }
  if (TRANSIENT_STATUSES.has(status) || TRANSIENT_REASONS.has(code)) {
    return new StorageFailure(message, {
      ...details,
      kind: 'transient',
      hint: 'it may pass: run the command again later',
    });
  }
  const hint =
    HINTS[code] ??
    STATUS_HINTS[status] ??
    (status === 400 && !code ? HINT_400 : undefined) ??
    'the store does not take this request: tell whoever runs it what it answered';
  const kind = status === 404 && code !== 'NoSuchBucket' ? 'missing' : 'refused';
  return new StorageFailure(message, { ...details, kind, hint });
}

/** S3 refuses requests that are this far from its own time. */
const MAX_SKEW_MS = 15 * 60_000;

function isSkewed(date: string | undefined): boolean {
  return Math.abs(Date.parse(date ?? '') - Date.now()) > MAX_SKEW_MS;
}

/** The endpoint answers, but not as an S3 service does. */
export function notS3(what: string, endpoint: string, saw: string, cause?: unknown): StorageFailure {
  return new StorageFailure(`${what}: ${endpoint} does not answer as an S3 service (${saw})`, {
    kind: 'refused',
    status: undefined,
    reason: 'NotS3',
    hint: 'check endpoint: it is the address of the S3 API, not of a web console',
    cause,
  });
}

const NETWORK_WORDS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed while sending',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name could not be looked up',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  Stalled: 'no byte moved for 30 s',
};

/**
 * The failure of a call that had no answer.
 * @param error the system's, or Node's
 * @param proxyVariable the variable that names the proxy which the call went through, if it did
 */
export function networkFailure(
  error: unknown,
  what: string,
  endpoint: string,
  proxyVariable?: string | undefined,
): StorageFailure {
  // Several addresses were tried (IPv6, IPv4): the first speaks for all.
  const cause = (error instanceof AggregateError ? error.errors[0] : error) as Partial<NodeJS.ErrnoException>;
  const reason = cause.code ?? cause.name ?? 'Unknown';
  if (TLS_REASON.test(reason)) {
    return new StorageFailure(`${what}: the TLS certificate of ${endpoint} is not accepted (${reason})`, {
      kind: 'refused',
      status: undefined,
      reason,
      hint: 'check endpoint, or name your own certificate authority with caFile or NODE_EXTRA_CA_CERTS',
      cause: error,
    });
  }
  const words = NETWORK_WORDS[reason] ?? (cause.message || reason);
  // A request through a proxy looks up and connects to the proxy alone.
  const isProxys = reason.startsWith('ERR_PROXY') || (proxyVariable !== undefined && ON_THE_WAY.test(reason));
  const where = isProxys ? `the proxy for ${endpoint}` : endpoint;
  return new StorageFailure(`${what}: cannot reach ${where} (${words})`, {
    kind: 'transient',
    status: undefined,
    reason,
    hint: isOutOfFiles(cause)
      ? OPEN_FILES_HINT
      : isProxys
        ? `check ${proxyVariable ?? 'HTTPS_PROXY'} and NO_PROXY`
        : 'check endpoint and the network',
    cause: error,
  });
}

/** How a connection fails before any byte of the request has gone out. */
const ON_THE_WAY = /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ETIMEDOUT)/;
