import { limited, type ReadLimits, readLimited, TooLong, TooSlow } from '../read-limited.ts';
import type { ObjectContent } from './bucket.ts';
import { StorageFailure } from './failure.ts';

/** No payload is this long; another program's `metadata.json` may be, and is not read to its end. */
const METADATA_LIMITS: ReadLimits = { maxBytes: 1024 * 1024, totalMs: 60_000 };
/** An object of any size may take so long, and a second more for each of these. */
const LEAST_MS = 5 * 60_000;
const SLOWEST_BYTES_PER_SECOND = 32 * 1024;

/**
 * Reads a `metadata.json`.
 * @param key as its failure names it
 * @returns undefined if it is longer than any that we have written
 * @throws StorageFailure if it is not complete in time; what its stream throws
 */
export async function readMetadataObject(
  { stream }: Pick<ObjectContent, 'stream'>,
  key: string,
  limits: ReadLimits = METADATA_LIMITS,
): Promise<string | undefined> {
  try {
    return (await readLimited(stream, limits)).toString();
  } catch (error) {
    if (error instanceof TooLong) return undefined;
    throw inTime(error, key);
  }
}

/**
 * Passes on an object's bytes, at most as many as it should have, and one chunk more.
 * @throws StorageFailure if they come too slowly; what its stream throws
 */
export async function* readObject(
  { stream }: Pick<ObjectContent, 'stream'>,
  key: string,
  sizeBytes: number,
  leastMs: number = LEAST_MS,
): AsyncGenerator<Uint8Array> {
  let left = sizeBytes;
  const totalMs = leastMs + (sizeBytes / SLOWEST_BYTES_PER_SECOND) * 1000;
  try {
    for await (const chunk of limited(stream, { maxBytes: Number.POSITIVE_INFINITY, totalMs })) {
      yield chunk;
      left -= chunk.length;
      if (left < 0) return;
    }
  } catch (error) {
    throw inTime(error, key);
  }
}

function inTime(error: unknown, key: string): unknown {
  if (!(error instanceof TooSlow)) return error;
  return new StorageFailure(`reading ${key}: the store sends it too slowly (${error.message})`, {
    kind: 'transient',
    status: undefined,
    reason: error.code,
    hint: 'it may pass: run the command again later',
    cause: error,
  });
}
