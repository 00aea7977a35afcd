import { isNativeError } from 'node:util/types';
import { AppError, OPEN_FILES_HINT } from '../../core/errors.ts';
import type { Redactor } from '../../core/redact.ts';
import { printableLine } from '../../core/text.ts';
import { opensslReason } from '../../core/tls-failure.ts';

/** All servers of the URL that answered are not to be written to. */
export class Standby extends Error {
  readonly why: 'standby' | 'read-only' | 'replaced';

  /**
   * @param host for the message
   * @param options.why a setting of the server, the database or the role says so, or another server has taken its place
   */
  constructor(host: string, { why = 'standby' }: { why?: Standby['why'] } = {}) {
    super(`${host}: ${why}`);
    this.name = 'Standby';
    this.why = why;
  }
}

/** What answers is no PostgreSQL server that this program can talk to. */
class NotConnected extends Error {}

/** The failure of a connection that was to be opened, where pg and Node.js give it no code that is known. */
export function notConnected(error: unknown): unknown {
  const isKnown = error instanceof AppError || failureKind(error) !== undefined || isPostgresError(error);
  // Others than plain errors are bugs.
  if (isKnown || !isNativeError(error) || error.name !== 'Error') return error;
  return new NotConnected(error.message, { cause: error });
}

/**
 * Masks secrets in what a server said: one that asks for the password, and is not what it says it is, may put it into its
 * answer.
 * @returns the same error
 */
export function withoutSecrets(error: unknown, { foreign }: Pick<Redactor, 'foreign'>): unknown {
  if (!isNativeError(error) || !(isPostgresError(error) || SASL.test(error.message))) return error;
  error.message = foreign(error.message);
  // It begins with the message.
  error.stack = `${error.name}: ${error.message}`;
  Object.assign(error, { detail: undefined, hint: undefined, where: undefined, internalQuery: undefined });
  return error;
}

const SASL = /^SASL: /;

/** A server did not answer, so that its connection is of no use any more. */
export class NoAnswer extends Error {
  /** @param ms how long it was waited for */
  constructor(ms: number) {
    super(`no answer for ${Math.round(ms / 1000)} s`);
    this.name = 'NoAnswer';
  }
}

/** What pg throws where a server does not speak TLS; it gives that no code. */
export const NoTls = { is: (error: unknown) => /^The server does not support SSL connections$/.test(messageOf(error)) };

/** The kinds of failures, by what is to be done about them. */
export type FailureKind =
  | 'away' // no server answers, or it is starting or stopping
  | 'standby'
  | 'read-only' // by a setting
  | 'replaced' // by another server, which was promoted
  | 'connections' // too many
  | 'full' // its disk
  | 'password'
  | 'no-database'
  | 'refused' // pg_hba.conf
  | 'certificate'
  | 'no-tls'
  | 'no-right'
  | 'slow' // a statement or a lock took too long
  | 'open-files';

interface Words {
  message(where: string, said: string): string;
  hint: string;
}

const WORDS: Readonly<Record<FailureKind, Words>> = {
  away: {
    message: (where, said) => `the state's database at ${where} cannot be reached (${said})`,
    hint: 'check that PostgreSQL runs there and that this machine reaches it, then run the command again',
  },
  standby: {
    message: where => `the state's database at ${where} is a read-only standby`,
    hint: 'promote it, or name the primary, too: postgres://user@first,second/database',
  },
  'read-only': {
    message: where => `the state's database at ${where} refuses all writes`,
    hint: 'default_transaction_read_only is on for the server, the database or the user of stateUrl: reset it once writes are allowed',
  },
  replaced: {
    message: where => `the state's database at ${where} is an old primary, and another server has taken its place`,
    hint: 'stop it, or make it a standby of that one (pg_rewind); if it is the right one, name it alone in stateUrl',
  },
  connections: {
    message: where => `the state's database at ${where} has no connection left for this process`,
    hint: 'raise max_connections of the server, or put PgBouncer before it, then run the command again',
  },
  full: {
    message: where => `the disk of the state's database at ${where} is full`,
    hint: 'free some space on the server and run the command again',
  },
  password: {
    message: where => `the state's database at ${where} does not accept the user or the password of stateUrl`,
    hint: 'correct stateUrl (RECORDUPLOAD_STATE_URL, or the file that stateUrlFile names)',
  },
  'no-database': {
    message: where => `the state's database at ${where} does not exist`,
    hint: 'create it (createdb), or name another one in stateUrl',
  },
  refused: {
    message: (where, said) => `the state's database at ${where} lets this machine or user not in (${said})`,
    hint: 'add a line for it to pg_hba.conf of the server, or ask its administrator',
  },
  certificate: {
    message: (where, said) => `the certificate of the state's database at ${where} is not trusted (${said})`,
    hint: 'name its certificate authority with sslrootcert=<file> in stateUrl, or with caFile',
  },
  'no-tls': {
    message: where => `the state's database at ${where} does not encrypt connections`,
    hint: 'set ssl = on at the server; only where nobody else can listen, put sslmode=disable into stateUrl',
  },
  'no-right': {
    message: (where, said) => `the user of stateUrl may not use the state in the database at ${where} (${said})`,
    hint: 'recordupload state sql prints the SQL that an administrator of the database runs',
  },
  slow: {
    message: (where, said) => `the state's database at ${where} takes too long (${said})`,
    hint: 'see what it is busy with (SELECT * FROM pg_stat_activity), then run the command again',
  },
  'open-files': {
    message: where => `too many open files: the state's database at ${where} cannot be reached`,
    hint: OPEN_FILES_HINT,
  },
};

/** PostgreSQL's codes (https://www.postgresql.org/docs/current/errcodes-appendix.html), and Node's. */
const BY_CODE: Readonly<Record<string, FailureKind>> = {
  '25006': 'read-only',
  '53300': 'connections',
  '53100': 'full',
  '28P01': 'password',
  '3D000': 'no-database',
  '28000': 'refused',
  '42501': 'no-right',
  '57014': 'slow',
  '55P03': 'slow',
  '25P03': 'away',
  // PostgreSQL 17 and newer: transaction_timeout.
  '25P04': 'away',
  '57P01': 'away',
  '57P02': 'away',
  '57P03': 'away',
  '57P05': 'away',
  EMFILE: 'open-files',
  ENFILE: 'open-files',
};

const CERTIFICATE = /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;
/** Node's codes of connections that cannot be made, or broke. */
const NETWORK =
  /^(?:ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|EADDR|ENOENT|EACCES|ESOCKET|EPROTO|ERR_SSL|ERR_STREAM)/;
/** What pg and its pool say without a code where a connection broke, or no server answered in time. */
const WITHOUT_CODE =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed|Client network socket disconnected|write after end|Connection ended)/i;

/** True where a connection could not be made in time: pg and its pool call that so. */
export function isTimeout(error: unknown): boolean {
  return /^(?:timeout expired|Connection terminated due to connection timeout|Query read timeout)$/.test(
    messageOf(error),
  );
}

/** What kind of failure of the database an error is; undefined: none, or one that nothing is known of. */
function failureKind(error: unknown): FailureKind | undefined {
  const cause = error instanceof AppError ? error.cause : error;
  if (cause instanceof Standby) return cause.why;
  if (cause instanceof NotConnected || cause instanceof NoAnswer) return 'away';
  if (NoTls.is(cause)) return 'no-tls';
  const code = codeOf(cause);
  const known = BY_CODE[code];
  if (known) return known;
  // PgBouncer's own words, and those of a server that has a limit for this user or database.
  if (/no more connections allowed|too many connections/i.test(messageOf(cause))) return 'connections';
  if (CERTIFICATE.test(code)) return 'certificate';
  if (code.startsWith('08') || NETWORK.test(code)) return 'away';
  return code === '' && WITHOUT_CODE.test(messageOf(cause)) ? 'away' : undefined;
}

/** True where the connection cannot be used any more. */
export function isConnectionLost(error: unknown): boolean {
  return failureKind(error) === 'away';
}

export function isReadOnly(error: unknown): boolean {
  return ['standby', 'read-only', 'replaced'].includes(failureKind(error) ?? '');
}

/** True for what may be over in a moment; false for what somebody has to correct. */
export function isPassing(error: AppError): boolean {
  return PASSING.has(failureKind(error));
}

const PASSING: ReadonlySet<FailureKind | undefined> = new Set(['away', 'connections', 'full', 'slow', 'open-files']);

/** The error of a role that may not do something. @param said what */
export function noRight(where: string, said: string): AppError {
  const { message, hint } = WORDS['no-right'];
  return new AppError('STATE', message(where, said), { hint });
}

/** True where a table or its schema is not there. */
export function isMissing(error: unknown): boolean {
  return ['42P01', '3F000'].includes(codeOf(error));
}

/** True where the transaction lost against another one, and may be tried again. */
export function isConflict(error: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(error));
}

/**
 * Says in the user's words why the database cannot be used.
 * @param where hosts and database, without user and password
 * @returns an AppError `STATE`, or the error itself if the database did not cause it
 */
export function databaseError(error: unknown, where: string): unknown {
  if (error instanceof AppError || !isNativeError(error)) return error;
  const kind = failureKind(error);
  const said = whatWasSaid(error);
  if (kind) {
    const { message, hint } = WORDS[kind];
    return new AppError('STATE', message(where, said), { hint, cause: error });
  }
  if (!isPostgresError(error)) return error;
  return new AppError('STATE', `the state's database at ${where} has failed: ${said}`, {
    hint: 'see the log of PostgreSQL',
    cause: error,
  });
}

/** True for what a PostgreSQL server said: its errors have a code of five characters and a severity. */
function isPostgresError(error: unknown): boolean {
  return /^[0-9A-Z]{5}$/.test(codeOf(error)) && typeof (error as { severity?: unknown }).severity === 'string';
}

function whatWasSaid(error: Error): string {
  const code = codeOf(error);
  const inner = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined;
  const text = error.message || inner?.message || code;
  return NETWORK.test(code) && !CERTIFICATE.test(code) && code !== 'EPROTO' ? code : opensslReason(printableLine(text));
}

function codeOf(error: unknown): string {
  const code = isNativeError(error) ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : '';
}

function messageOf(error: unknown): string {
  return isNativeError(error) ? error.message : '';
}
