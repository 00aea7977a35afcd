import { closeSync } from 'node:fs';
import { AppError, hasErrorCode, isOutOfFiles, OPEN_FILES_HINT } from '../errors.ts';
import { sameFile, statFile } from '../recording/file-identity.ts';
import { FileReplaced, openFound } from '../recording/open-file.ts';
import type { RecordingFile } from '../recording/recording.ts';

/** A file of the recording, open for reading. It must not change while it is uploaded. */
export interface SourceFile {
  readonly file: RecordingFile;
  readonly fd: number;
  /** @throws AppError `SOURCE_CHANGED` if its size, time or inode changed since the folder was read, or it is gone */
  assertUnchanged(): void;
  close(): void;
}

/** @throws AppError `SOURCE_CHANGED`; `STORAGE` where the process cannot open another file */
export function openSource(file: RecordingFile): SourceFile {
  const orGone = <T>(look: () => T): T => {
    try {
      return look();
    } catch (error) {
      return gone(file, error);
    }
  };
  const assertUnchanged = () => {
    const now = orGone(() => statFile(file.path));
    if (!sameFile(now, file)) throw changed(file, 'it changed while it was being uploaded');
  };
  const fd = orGone(() => openFound(file));
  const close = () => closeSync(fd);
  try {
    assertUnchanged();
  } catch (error) {
    close();
    throw error;
  }
  return { file, fd, assertUnchanged, close };
}

function gone(file: RecordingFile, error: unknown): never {
  if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ESTALE')) throw changed(file, 'it vanished', error);
  if (error instanceof FileReplaced) throw changed(file, 'it was replaced by another file', error);
  if (isOutOfFiles(error)) {
    // Nothing is wrong with the file: its upload is incomplete, and `retry` may finish it.
    throw new AppError('STORAGE', `${file.path}: it cannot be opened (too many open files)`, {
      hint: OPEN_FILES_HINT,
      cause: error,
    });
  }
  throw new AppError('SOURCE_CHANGED', `${file.path}: it cannot be read any more (${(error as Error).message})`, {
    hint: 'check its disk, then run the command again',
    cause: error,
  });
}

function changed(file: RecordingFile, what: string, cause?: unknown): AppError {
  return new AppError('SOURCE_CHANGED', `${file.path}: ${what}`, {
    hint: 'run the command again once the recorder has finished with the folder',
    cause,
  });
}
