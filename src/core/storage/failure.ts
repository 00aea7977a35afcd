import { AppError, isOutOfFiles, OPEN_FILES_HINT } from '../errors.ts';
import { parseRetryAfter } from '../retry-after.ts';
import { opensslReason, staysInsecure } from '../tls-failure.ts';
import {
  answeredWith,
  blamesKeys,
  hintFor,
  hintForPage,
  isFull,
  type StoreWords,
  wrongAddress,
} from './refusal-hints.ts';

/**
 * What to make of a failed S3 call:
 * `transient` may pass and is tried again; `skew` passes once the client has learned the server's time;
 * `full`: the quota is used up or the disks are full, and sending more bytes cannot cure that; it may pass once somebody
 * makes room; `missing` (404) means the thing asked for is not there; `refused` stays as it is until somebody acts.
 */
export type FailureKind = 'transient' | 'skew' | 'full' | 'missing' | 'refused';

/** One failed S3 call, in the user's words. */
export class StorageFailure extends AppError {
  readonly kind: FailureKind;
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** S3's error code (`NoSuchUpload`, `AccessDenied`, …) or the system's (`ECONNREFUSED`). */
  readonly reason: string;
  /** The message without the store's sentence, for lines that only say that it is tried again. */
  readonly brief: string;
  /** How long the store asks to leave it alone, in milliseconds; undefined if it does not ask. */
  readonly pauseMs: number | undefined;

  constructor(
    message: string,
    details: {
      kind: FailureKind;
      status: number | undefined;
      reason: string;
      brief?: string | undefined;
      pauseMs?: number | undefined;
      hint?: string | undefined;
      cause?: unknown;
    },
  ) {
    super('STORAGE', message, details);
    this.kind = details.kind;
    this.status = details.status;
    this.reason = details.reason;
    this.brief = details.brief ?? message;
    this.pauseMs = details.pauseMs;
  }

  /** The same failure with more to say about it: `…; 64 MB sent in vain`. */
  withNote(note: string): StorageFailure {
    return new StorageFailure(`${this.message}; ${note}`, {
      ...this,
      cause: this.cause,
      brief: `${this.brief}; ${note}`,
    });
  }
}

/** Statuses that pass by themselves. 520–527 are what CDNs and proxies in front of a store say for its outages. */
const TRANSIENT_STATUSES = new Set([
  408, 425, 429, 500, 502, 503, 504, 509, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530,
]);

/** True for a status that passes by itself, whoever sent it. */
export const passesByItself = (status: number): boolean => TRANSIENT_STATUSES.has(status);

/** S3 codes that pass although their status is a 4xx. */
const TRANSIENT_REASONS = new Set([
  'RequestTimeout',
  'SlowDown',
  'OperationAborted',
  'ConditionalRequestConflict',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
  'BadDigest',
  'InternalError',
]);

/** The certificate stays wrong until somebody acts. */
const CERTIFICATE_REASON = /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;
const CERTIFICATE_HINTS: Record<string, string> = {
  CERT_HAS_EXPIRED: "have the store's certificate renewed, unless this machine's clock is wrong",
  CERT_NOT_YET_VALID: "set this machine's clock: the store's certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: 'check the host in endpoint: the certificate is for another one',
};
const OTHER_CERTIFICATE_HINT =
  'check endpoint, or name your own certificate authority with caFile or NODE_EXTRA_CA_CERTS';
/** Everything else that ends a handshake, or a connection that TLS protects. */
const TLS_REASON = /^(EPROTO$|ERR_SSL_|ERR_TLS_)/;

/** What the store answered in place of a success. */
export interface Refusal extends StoreWords {
  /** As the user reads it: `403 AccessDenied`. */
  answered: string;
  /** The HTTP status that it counts as. */
  status: number;
  /** The store's time, as the answer has it. */
  date: string | undefined;
  /** `Retry-After`, as the answer has it. */
  retryAfter: string | undefined;
}

/**
 * The failure of a call that the store has refused.
 * @param what the call in the user's words: `uploading 3/video.mkv`
 */
export function refusedByStore(refusal: Refusal, what: string, endpoint: string, cause: unknown): StorageFailure {
  const { answered, status, code, date, retryAfter } = refusal;
  const message = `${what}: the store answered ${answeredWith(answered, status, refusal)}`;
  // Words without a code are not S3's: a gateway or a firewall answered.
  const brief = `${what}: the store answered ${answered}`;
  const details = { status, brief, reason: code || (refusal.message ? 'NoCode' : 'Unknown'), cause };
  const elsewhere = wrongAddress(refusal.message, endpoint, refusal.address);
  if (elsewhere)
    return new StorageFailure(message, { ...details, kind: 'refused', reason: 'WrongAddress', hint: elsewhere });
  const hint = hintFor(status, refusal);
  // The answer to a HEAD has no body, and so no code: the server's clock gives it away.
  if (code === 'RequestTimeTooSkewed' || (status === 403 && !code && isSkewed(date))) {
    return new StorageFailure(message, {
      ...details,
      kind: 'skew',
      hint: hintFor(403, { ...refusal, code: 'RequestTimeTooSkewed' }),
    });
  }
  if (isFull(status, code, refusal.message)) return new StorageFailure(message, { ...details, kind: 'full', hint });
  if (TRANSIENT_STATUSES.has(status) || TRANSIENT_REASONS.has(code)) {
    return new StorageFailure(message, {
      ...details,
      kind: 'transient',
      hint: 'it may pass: run the command again later',
      pauseMs: parseRetryAfter(retryAfter, date, Date.now()),
    });
  }
  const kind = status === 404 && code !== 'NoSuchBucket' ? 'missing' : 'refused';
  return new StorageFailure(message, { ...details, kind, hint });
}

/**
 * True where the key lacks the right to do this; false where the keys themselves are wrong or expired, and where
 * something before the store answered.
 */
export function isForbidden(error: unknown): error is StorageFailure {
  if (!(error instanceof StorageFailure) || error.status !== 403) return false;
  // A refused HEAD has no code: where the clocks differ, too, it still counts as `skew` after the last try.
  if (error.kind !== 'refused' && !(error.kind === 'skew' && error.reason === 'Unknown')) return false;
  return error.reason !== 'NoCode' && !blamesKeys(error.reason);
}

/** S3 refuses requests that are this far from its own time. */
const MAX_SKEW_MS = 15 * 60_000;

function isSkewed(date: string | undefined): boolean {
  return Math.abs(Date.parse(date ?? '') - Date.now()) > MAX_SKEW_MS;
}

/**
 * The failure of a call that was answered with a web page: by something that is no store, or by a proxy before one.
 * @param page the program that it comes from, and its title, as the user reads them: ` from nginx: "Not Found"`; may be empty
 */
export function refusedByPage(
  { status, page, address }: { status: number; page: string; address: string | undefined },
  what: string,
  endpoint: string,
  cause: unknown,
): StorageFailure {
  const hint = hintForPage(status, page, endpoint, address);
  const shown = `HTTP ${status} with a web page${page}`;
  if (status !== 413) return notS3(what, endpoint, shown, cause, hint);
  const message = `${what}: something before the store refuses a request of this size (${shown})`;
  return new StorageFailure(message, { kind: 'refused', status, reason: 'TooLarge', hint, cause });
}

/** The endpoint answers, but not as an S3 service does. */
export function notS3(
  what: string,
  endpoint: string,
  saw: string,
  cause?: unknown,
  hint = hintForPage(200, '', endpoint),
): StorageFailure {
  return new StorageFailure(`${what}: ${endpoint} does not answer as an S3 service (${saw})`, {
    kind: 'refused',
    status: undefined,
    reason: 'NotS3',
    hint,
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
  if (CERTIFICATE_REASON.test(reason)) {
    return new StorageFailure(`${what}: the TLS certificate of ${endpoint} is not accepted (${reason})`, {
      kind: 'refused',
      status: undefined,
      reason,
      hint: CERTIFICATE_HINTS[reason] ?? OTHER_CERTIFICATE_HINT,
      cause: error,
    });
  }
  const isTls = TLS_REASON.test(reason);
  if (isTls && staysInsecure(cause.message ?? '')) {
    const saw = opensslReason(cause.message ?? '');
    return new StorageFailure(`${what}: no secure connection to ${endpoint} (${saw})`, {
      kind: 'refused',
      status: undefined,
      reason: 'WrongAddress',
      hint: 'check the scheme (https:// or http://) and the port of endpoint',
      cause: error,
    });
  }
  const words = isTls ? opensslReason(cause.message ?? reason) : wordsFor(cause, reason);
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

function wordsFor({ message }: Partial<Error>, reason: string): string {
  return proxysAnswer(message) ?? NETWORK_WORDS[reason] ?? (message || reason);
}

/** A proxy's refusal by its status alone: its other words may repeat the password. */
function proxysAnswer(message = ''): string | undefined {
  const [, status] = /\bHTTP\/1\.[01] (\d{3})/.exec(message) ?? [];
  return status && `the proxy answered ${status}`;
}

/** How a connection fails before any byte of the request has gone out. */
const ON_THE_WAY = /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ETIMEDOUT)/;
