import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError, hasErrorCode } from '../core/errors.ts';
import { probableId } from '../core/recording/derived-id.ts';
import { roleOf } from '../core/recording/file-roles.ts';
import { MisnamedError } from '../core/recording/folder-problem.ts';
import { REMOVAL_FOLDER } from '../core/recording/opened-folder.ts';
import type { RecordingOverrides } from '../core/recording/read-recording.ts';
import type { Recording } from '../core/recording/recording.ts';
import { printable } from '../core/text.ts';
import { type AskedUpload, nextLookAt } from '../core/upload/queue.ts';
import { restoreLocalFiles } from '../core/upload/restore-local.ts';
import { realPath } from './find-folders.ts';
import { readFinishedFolder, type WaitOptions } from './recording-folder.ts';
import type { Runtime } from './runtime.ts';

/** How an upload was asked for. */
export interface AskedFor extends RecordingOverrides, WaitOptions {
  webhook?: boolean | undefined;
  force?: boolean | undefined;
}

/**
 * Reads a folder as a finished recording. If it is none, the log and the state remember that its upload was asked for:
 * `status` lists it, and `retry` looks at it again.
 * @param check refuses it, too
 * @throws AppError as `readFinishedFolder` and `check`
 */
export async function readOrRefuse(
  dir: string,
  asked: AskedFor,
  runtime: Runtime,
  check: (recording: Recording) => void | Promise<void>,
): Promise<Recording> {
  try {
    const recording = await readRestored(dir, asked, runtime);
    await check(recording);
    return recording;
  } catch (error) {
    throw await refused(dir, asked, error, runtime);
  }
}

/** Where the removal of its files was interrupted, they are in their place first. */
async function readRestored(dir: string, asked: AskedFor, runtime: Runtime): Promise<Recording> {
  try {
    return await readFinishedFolder(dir, asked, runtime);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'RECORDING') throw error;
    const path = await realPath(dir);
    if (!(await exists(join(path, REMOVAL_FOLDER)))) throw error;
    const state = await runtime.state();
    const removal = await state.localFiles.removedFrom(path);
    if (!removal || !(await restoreLocalFiles(removal, { ...state, clock: runtime.clock }))) throw error;
    return await readFinishedFolder(dir, asked, runtime);
  }
}

/**
 * Remembers that the upload of a folder was refused. A path that does not exist, or that names something else than
 * a recording, is only logged: it is mistyped, and nothing could ever be done about it.
 * @returns the error
 */
export async function refused(dir: string, asked: AskedFor, error: unknown, runtime: Runtime): Promise<unknown> {
  if (error instanceof MisnamedError) {
    announceRefusal(dir, error, runtime);
    return error;
  }
  const path = await realPath(dir);
  const known = await removedHere(path, error, runtime);
  if (known) return known;
  if (!announceRefusal(dir, error, runtime)) return error;
  if (!(await exists(path))) return error;
  const { queue } = await runtime.state();
  const now = runtime.clock.now();
  const entry = {
    dir: path,
    recordingId: asked.id ?? probableId(basename(path), runtime.config.idPrefix),
    origin: 'upload' as const,
    asked: toAsked(asked),
    state: 'refused' as const,
    reason: error.message,
    hint: error.hint ?? null,
    nextAt: nextLookAt('refused', { askedAt: now }, now),
  };
  await queue.add([entry], now);
  return error;
}

/**
 * The error for a folder whose video this machine has removed after its upload (`deleteAfter`). Nothing is wrong with it,
 * so nothing of it is remembered.
 */
async function removedHere(path: string, error: unknown, runtime: Runtime): Promise<AppError | undefined> {
  if (!(error instanceof AppError) || error.code !== 'RECORDING') return undefined;
  const names = await readdir(path).catch(() => []);
  if (names.some(name => roleOf(name, []) === 'video')) return undefined;
  const removed = await (await runtime.state()).localFiles.removedFrom(path);
  if (!removed) return undefined;
  const { recordingId, target } = removed;
  const message = `${printable(path)}: the files of recording ${recordingId} were uploaded to ${target}, verified, and removed here (deleteAfter)`;
  return new AppError('RECORDING', message, { hint: `recordupload verify ${recordingId} shows what the bucket has` });
}

/** Announces what refuses the folder; false: the error says nothing about it. */
export function announceRefusal(
  dir: string,
  error: unknown,
  { observer }: Pick<Runtime, 'observer'>,
): error is AppError {
  if (!(error instanceof AppError) || error.code !== 'RECORDING') return false;
  observer({ type: 'upload-refused', dir, error });
  return true;
}

/** False only if it is certain that nothing has that name: a folder that may not be seen now may be seen later. */
export async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: unknown) => !hasErrorCode(error, 'ENOENT', 'ENOTDIR'),
  );
}

/** What is remembered of how an upload was asked for. */
export function toAsked({ webhook = true, force = false, finished = false, ...said }: AskedFor): AskedUpload {
  const { id, title, email, username, createdAt, durationSeconds } = said;
  return { id, title, email, username, createdAt, durationSeconds, webhook, force, finished };
}
