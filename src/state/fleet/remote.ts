import { AppError, OPEN_FILES_HINT } from '../../core/errors.ts';
import { withoutWhat } from '../not-stored.ts';
import type { Database } from '../postgres/database.ts';
import { isMissing } from '../postgres/failure.ts';
import { FAREWELL_MS, within } from '../postgres/farewell.ts';
import type { State } from '../state.ts';
import type { Transfer } from '../transfer/transfer.ts';

/** The fleet's database, open. */
export interface OpenRemote {
  database: Database;
  state: State;
  transfer: Transfer;
}

/** The fleet's database, which may be away at any moment. */
export interface Remote {
  /**
   * Runs work on it. While it is away, that fails at once; now and then a look in the background finds out whether it is
   * back.
   * @param options.patient looks before it fails, unless somebody has waited for one in vain a moment ago
   * @throws AppError `STATE` (`isAway` is true of it) while it is away; whatever else `work` throws
   */
  use<T>(work: (remote: OpenRemote) => Promise<T>, options?: { patient?: boolean }): Promise<T>;
  /** Why it cannot be used; undefined: it could be when it was used last. */
  readonly failure: AppError | undefined;
  close(): Promise<void>;
}

export interface RemoteOptions {
  open(): Promise<OpenRemote>;
  /** Called when it goes away. */
  onAway(error: AppError): void;
  /** Called when it was opened, or is back. */
  onBack(remote: OpenRemote): void;
  /** Milliseconds on a monotonic clock. */
  now(): number;
}

/** How long nobody looks after a failure. */
const PAUSE_MS = 3_000;
/** How long somebody waits for a look: a server that is cut off does not answer, and each try of it takes 5 s. */
const PATIENCE_MS = 8_000;

/** Whoever has waited so long for nothing does not wait again for a while: a command waits for a silent server once. */
const BEARABLE_MS = 2_000;
const IMPATIENT_FOR_MS = 30_000;

/** What the database failed with. */
const failures = new WeakSet<object>();

/**
 * True where the database of the fleet cannot be used, whatever keeps it: no server, no right, no room, a newer version. What
 * was to be stored is kept in the spool then.
 */
export function isAway(error: unknown): error is AppError {
  return error instanceof AppError && failures.has(error);
}

/** A process that has too few descriptors for the database has too few for its files, too. */
export const isUnusable = (error: unknown): error is AppError =>
  error instanceof AppError && error.code === 'STATE' && error.hint !== OPEN_FILES_HINT;

/** Opens nothing yet. */
export function createRemote({ open, onAway, onBack, now }: RemoteOptions): Remote {
  let opening: Promise<OpenRemote> | undefined;
  let failure: AppError | undefined;
  let lookedAt = 0;
  let looking: Promise<void> | undefined;
  let impatientUntil = 0;

  const opened = async () => {
    opening ??= open().then(remote => {
      onBack(remote);
      return remote;
    });
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
  const reopen = () => {
    opening?.then(remote => remote.state.close()).catch(() => {});
    opening = undefined;
  };
  const fail = (error: AppError) => {
    lookedAt = now();
    const isNew = failure === undefined;
    failure = withoutWhat(error);
    for (const one of [error, failure]) failures.add(one);
    if (isNew) onAway(failure);
  };
  /** A write as work is done: a server that is read-only, full, or has no connection left for a session answers to reads. */
  const look = async () => {
    try {
      const remote = await opened();
      const { database } = remote;
      await database.writeAsOwner(async sql => {
        await sql.run(
          `INSERT INTO brought (source, value, at) VALUES ($source, '{"totals":[]}', now_ms())
           ON CONFLICT (source) DO UPDATE SET at = excluded.at`,
          { source: `look ${database.self.machine}` },
        );
      });
      failure = undefined;
      onBack(remote);
    } catch (error) {
      if (!isUnusable(error)) throw error;
      // Somebody has dropped the database and made it again: its schema has to be made, too.
      if (isMissing(error.cause)) reopen();
      fail(error);
    }
  };
  const lookOnce = () => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  /** Notes how long somebody has waited, if that was in vain. */
  const waitedFor = async <T>(work: () => Promise<T>): Promise<T> => {
    const begun = now();
    try {
      return await work();
    } finally {
      if (failure && now() - begun > BEARABLE_MS) impatientUntil = now() + IMPATIENT_FOR_MS;
    }
  };

  const attempt = async <T>(work: (remote: OpenRemote) => Promise<T>): Promise<T> => {
    try {
      return await work(await opened());
    } catch (error) {
      if (isUnusable(error)) fail(error);
      throw error;
    }
  };

  return {
    async use(work, { patient = false } = {}) {
      if (failure) {
        if (patient && now() >= impatientUntil) await waitedFor(() => withPatience(lookOnce()));
        // Not awaited: a cable that is cut does not answer, and uploads go on meanwhile.
        else if (now() - lookedAt > PAUSE_MS) void lookOnce().catch(() => {});
        if (failure) throw failure;
      }
      return await waitedFor(() => attempt(work));
    },
    get failure() {
      return failure;
    },
    async close() {
      if (looking) await within(FAREWELL_MS, looking);
      const closing = opening?.then(
        remote => remote.state.close(),
        () => {},
      );
      // What is away may be silent: then nothing that the end waits for comes.
      if (closing) await (failure ? within(FAREWELL_MS, closing) : closing);
    },
  };
}

/** Waits for a look, or until the patience is over; the look goes on then. */
async function withPatience(look: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>(resolve => {
    timer = setTimeout(resolve, PATIENCE_MS);
  });
  look.catch(() => {});
  try {
    await Promise.race([look, over]);
  } finally {
    clearTimeout(timer);
  }
}
