import { randomUUID } from 'node:crypto';
import { systemClock } from '../core/clock.ts';
import type { Observer } from '../core/events.ts';
import { softLimit } from '../core/machine-limits.ts';
import { createHasher, type Hasher } from '../core/storage/hasher.ts';
import { createInFlight } from '../core/storage/in-flight.ts';
import type { KeyProfile, Keys } from '../core/storage/keys.ts';
import { createPersistence } from '../core/storage/persistence.ts';
import { openBucket } from '../core/storage/s3/s3-bucket.ts';
import { createThrottle, unlimited } from '../core/storage/throttle.ts';
import type { RateChange } from '../core/units.ts';
import type { UploadJournal } from '../core/upload/journal.ts';
import type { UploadSession } from '../core/upload/session.ts';
import { shareOpenFiles } from './descriptors.ts';

/** Bytes. Under a limit of 2.5 GB (`ulimit -v`), one thread still starts. */
const ADDRESSES_FOR_THREADS = 8 * 1024 ** 3;

/** Where uploads go, and how. */
export interface UploadSettings {
  endpoint: string;
  region: string;
  bucket: string;
  credentials: Keys | KeyProfile;
  concurrency: number | undefined;
  bwlimit: readonly RateChange[] | undefined;
  uploadRetryBudgetMs: number;
  caFile: string | undefined;
}

/**
 * Makes what all uploads of a run share. Import it only when it is needed: it loads the S3 client, which is most of the
 * start-up time.
 * @throws AppError `STORAGE` where the limit on open files is too low
 */
export function openUploads(
  settings: UploadSettings,
  {
    env,
    signal,
    observer,
    secrets,
    journal,
    machine,
    hasher,
  }: {
    env: NodeJS.ProcessEnv;
    signal: AbortSignal;
    observer: Observer;
    secrets: readonly string[];
    journal: UploadJournal;
    machine: string;
    hasher: Hasher;
  },
): { session: UploadSession; close(): void } {
  const { concurrency, bwlimit, uploadRetryBudgetMs: budgetMs } = settings;
  const clock = systemClock;
  const { connections, files } = shareOpenFiles();
  // One connection is left for requests without a body, which would time out behind a slow one.
  const most = connections && Math.max(1, connections - 1);
  const inFlight = createInFlight({ fixed: concurrency, most, clock });
  const bucket = openBucket({ ...settings, env, secrets, machine, connections }, inFlight.roundTrip);
  return {
    session: {
      bucket,
      journal,
      persistence: createPersistence({ budgetMs, clock, random: Math.random }),
      inFlight,
      hasher,
      filePlaces: files,
      throttle: bwlimit === undefined ? unlimited : createThrottle(bwlimit, clock),
      clock,
      newToken: randomUUID,
      machine,
      observer,
      signal,
    },
    close: () => bucket.close(),
  };
}

/**
 * Makes what hashes files, with threads where the machine's limits allow some.
 * @throws AppError `STORAGE` where the limit on open files is too low for an upload
 */
export function openHasher(): Hasher {
  const { hashThreads } = shareOpenFiles();
  // V8 reserves addresses for each thread, and ends the whole process where it gets none.
  const hasAddresses = (softLimit('Max address space') ?? Number.POSITIVE_INFINITY) >= ADDRESSES_FOR_THREADS;
  return createHasher({ usesThreads: hashThreads && hasAddresses });
}
