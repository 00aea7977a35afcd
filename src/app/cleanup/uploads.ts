import { requireCredentials } from '../../config/requirements.ts';
import { createPersistence } from '../../core/storage/persistence.ts';
import {
  type AbandonedUpload,
  abortAbandonedUploads,
  findAbandonedUploads,
} from '../../core/upload/clean-up-uploads.ts';
import { persistentBucket } from '../../core/upload/session.ts';
import type { Runtime } from '../runtime.ts';

export interface CleanupRequest {
  /** Only uploads that have received nothing for this long. */
  olderThanMs: number;
  /** Also uploads of recordings that other machines began. */
  elsewhere: boolean;
  /** Delete them; otherwise only find them. */
  remove: boolean;
  /** How long a request is tried again, in milliseconds; unless given: as long as those of an upload. */
  patienceMs?: number | undefined;
}

export interface CleanupReport {
  /** Name of the bucket. */
  bucket: string;
  removed: boolean;
  uploads: AbandonedUpload[];
}

/**
 * Finds abandoned multipart uploads, whose parts cost money, and deletes them where that is asked for.
 * @throws AppError `CONFIG`, `STORAGE`, `STATE`
 */
export async function cleanUp(
  { olderThanMs, elsewhere, remove, patienceMs: budgetMs }: CleanupRequest,
  runtime: Runtime,
): Promise<CleanupReport> {
  const { config, clock, random, signal, observer } = runtime;
  requireCredentials(config);
  const session = await runtime.uploads();
  const persistence = budgetMs === undefined ? session.persistence : createPersistence({ budgetMs, clock, random });
  const bucket = persistentBucket({ ...session, persistence });
  const deps = { bucket, journal: (await runtime.state()).journal, now: clock.now, observer, signal };
  const uploads = await findAbandonedUploads({ olderThanMs, elsewhere }, deps);
  if (remove) await abortAbandonedUploads(uploads, deps);
  return { bucket: bucket.name, removed: remove, uploads };
}
