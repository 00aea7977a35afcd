import { AppError } from '../errors.ts';
import type { RecordingFile, RecordingId } from '../recording/recording.ts';
import { planNewParts, SINGLE_PUT_LIMIT_BYTES } from '../storage/part-plan.ts';
import { type HashedParts, hashAhead } from './hash-ahead.ts';
import type { UploadSession } from './session.ts';
import { openSource, type SourceFile } from './source-file.ts';

/** A file that was opened early, and its first parts, whose hashes are under way. */
export interface EarlyFile {
  source: SourceFile;
  /** Dispose of them before the file is closed. */
  parts: HashedParts;
}

/** The file of a recording that is hashed while the bucket is asked what it has. Closes it if nobody takes it. */
export interface EarlyParts extends AsyncDisposable {
  /** Hands it over, once: the caller closes it. Undefined for any other file. */
  take(file: RecordingFile): EarlyFile | undefined;
}

/**
 * Begins to hash the largest of some files. If it has to be sent, its first part goes out one round trip earlier; if not,
 * its first parts were hashed for nothing. A file whose upload was begun lacks other parts, and is left out.
 * @param files those that were never uploaded
 * @throws AppError `STATE`
 */
export async function hashEarly(
  recordingId: RecordingId,
  files: readonly RecordingFile[],
  session: UploadSession,
): Promise<EarlyParts> {
  const [largest] = files.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  let early = largest && (await open(recordingId, largest, session));
  return {
    take(file) {
      if (early?.source.file !== file) return undefined;
      const taken = early;
      early = undefined;
      return taken;
    },
    async [Symbol.asyncDispose]() {
      await early?.parts[Symbol.asyncDispose]();
      early?.source.close();
    },
  };
}

async function open(
  recordingId: RecordingId,
  file: RecordingFile,
  session: UploadSession,
): Promise<EarlyFile | undefined> {
  const { journal, bucket, filePlaces } = session;
  // Where descriptors are few, a file waits for a place before it is opened.
  if (file.sizeBytes <= SINGLE_PUT_LIMIT_BYTES || filePlaces) return undefined;
  if (await journal.openUpload({ target: bucket.target, recordingId, name: file.name })) return undefined;
  try {
    const source = openSource(file);
    return { source, parts: hashAhead(planNewParts(file.sizeBytes), source, session) };
  } catch (error) {
    // Its upload meets the same, and reports it.
    if (error instanceof AppError) return undefined;
    throw error;
  }
}
