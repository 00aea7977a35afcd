import { type FileHandle, open } from 'node:fs/promises';
import { AppError, hasErrorCode } from '../errors.ts';
import { sameFile, statFile } from '../recording/file-identity.ts';
import type { RecordingFile } from '../recording/recording.ts';

/** A file of the recording, open for reading, that must stay as it was when the folder was read. */
export interface SourceFile {
  readonly file: RecordingFile;
  readonly fd: number;
  /** @throws AppError `SOURCE_CHANGED` where size, time or inode are not what they were, or the file is gone */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** @throws AppError `SOURCE_CHANGED` */
export async function openSource(file: RecordingFile): Promise<SourceFile> {
  const assertUnchanged = async () => {
    const now = await statFile(file.path).catch(error => gone(file, error));
    if (!sameFile(now, file)) throw changed(file, 'it changed while it was being uploaded');
  };
  let handle: FileHandle;
  try {
    handle = await open(file.path, 'r');
  } catch (error) {
    gone(file, error);
  }
  try {
    await assertUnchanged();
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { file, fd: handle.fd, assertUnchanged, close: () => handle.close() };
}

function gone(file: RecordingFile, error: unknown): never {
  if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ESTALE')) throw changed(file, 'it vanished', error);
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
