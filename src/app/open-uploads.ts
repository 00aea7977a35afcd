import { randomUUID } from 'node:crypto';
import { systemClock } from '../core/clock.ts';
import type { Observer } from '../core/events.ts';
import { createHasher } from '../core/storage/hasher.ts';
import { createInFlight } from '../core/storage/in-flight.ts';
import type { KeyProfile, Keys } from '../core/storage/keys.ts';
import { createPersistence } from '../core/storage/persistence.ts';
import { openBucket } from '../core/storage/s3/s3-bucket.ts';
import { createThrottle, unlimited } from '../core/storage/throttle.ts';
import type { RateChange } from '../core/units.ts';
import type { UploadJournal } from '../core/upload/journal.ts';
import type { UploadSession } from '../core/upload/session.ts';

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
  }: {
    env: NodeJS.ProcessEnv;
    signal: AbortSignal;
    observer: Observer;
    secrets: readonly string[];
    journal: UploadJournal;
    machine: string;
  },
): { session: UploadSession; close(): void } {
  const { concurrency, bwlimit, uploadRetryBudgetMs: budgetMs } = settings;
  const clock = systemClock;
  const inFlight = createInFlight({ fixed: concurrency, clock });
  const bucket = openBucket({ ...settings, env, secrets, machine }, inFlight.roundTrip);
  const hasher = createHasher();
  return {
    session: {
      bucket,
      journal,
      persistence: createPersistence({ budgetMs, clock, random: Math.random }),
      inFlight,
      hasher,
      throttle: bwlimit === undefined ? unlimited : createThrottle(bwlimit, clock),
      clock,
      newToken: randomUUID,
      machine,
      observer,
      signal,
    },
    close() {
      hasher.close();
      bucket.close();
    },
  };
}
