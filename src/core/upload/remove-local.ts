import { join } from 'node:path';
import { isSystemError } from '../errors.ts';
import { nameForm } from '../recording/name-form.ts';
import { FileReplaced } from '../recording/open-file.ts';
import type { OpenedFolder } from '../recording/opened-folder.ts';
import type { KeptNote, LocalFile, LocalRecording } from './local-files.ts';
import type { LocalOutcome, LocalRemovalDeps, LocalRemovalRequest, RemovedFile } from './local-removal.ts';
import type { RecordingRef } from './parts-journal.ts';
import { type Proven, proveLocalFiles, readInVain } from './prove-local.ts';
import { notRemovedFor } from './why-not-removed.ts';

/** A file that the system would not remove is tried again after this time: each try reads all files. */
const HOUR_MS = 3_600_000;

/**
 * Removes the local files of a recording if every condition is met, and the folder if it is empty then. Whatever keeps
 * them is announced once.
 * @throws RemovalStopped, AppError `STATE`, the signal's reason once it aborts
 */
export async function removeLocalFiles(
  ref: RecordingRef,
  request: LocalRemovalRequest,
  deps: LocalRemovalDeps,
): Promise<LocalOutcome> {
  const { localFiles, journal, clock, observer } = deps;
  const claim = await localFiles.claim(ref, clock.now());
  if (!claim.ok) {
    if (claim.why === 'busy') return { outcome: 'waiting', reason: 'another process is at work on it' };
    return { outcome: 'gone', isOurs: false };
  }
  const { recording } = claim;
  const { id, dir } = recording;
  try {
    const outcome = await proveAndRemove(recording, request, deps);
    if (outcome.outcome === 'kept') await sayOnce(recording, { text: outcome.reason, seen: outcome.seen }, deps);
    else if (outcome.outcome === 'gone' && outcome.isOurs) {
      await announceEarlier(recording, recording.files, deps);
      await localFiles.removed(ref, clock.now());
      observer({ type: 'local-files-removed', recordingId: id, dir, folderRemoved: true, left: [] });
    } else if (outcome.outcome === 'removed') {
      await localFiles.removed(ref, clock.now());
      const { folderRemoved, left } = outcome;
      observer({ type: 'local-files-removed', recordingId: id, dir, folderRemoved, left });
    } else if (recording.note) await localFiles.note(ref, null);
    return outcome;
  } finally {
    await journal.release(ref);
  }
}

/** The same look; changes nothing, and says nothing. */
export async function lookAtLocalFiles(
  recording: LocalRecording,
  request: LocalRemovalRequest,
  deps: LocalRemovalDeps,
): Promise<LocalOutcome> {
  const proven = await proveLocalFiles(recording, request, deps, { restore: false });
  if ('outcome' in proven) return proven;
  const { folder, files } = proven;
  const names = new Set(files.map(({ stored }) => nameForm(stored.name)));
  const left = folder.names().filter(name => !names.has(nameForm(name)));
  folder.close();
  return { outcome: 'removable', files: files.map(({ stored }) => removedFile(stored)), left };
}

async function proveAndRemove(
  recording: LocalRecording,
  request: LocalRemovalRequest,
  deps: LocalRemovalDeps,
): Promise<LocalOutcome> {
  const proven = await proveLocalFiles(recording, request, deps, { restore: true });
  if ('outcome' in proven) return proven;
  try {
    return await removeProven(recording, proven, request, deps);
  } finally {
    proven.folder.close();
  }
}

async function removeProven(
  recording: LocalRecording,
  { folder, files }: Proven,
  { roots }: LocalRemovalRequest,
  deps: LocalRemovalDeps,
): Promise<LocalOutcome> {
  const { id, target, dir, isRemoving } = recording;
  const { localFiles, clock, signal } = deps;
  const ref = { target, recordingId: id };
  signal.throwIfAborted();
  const missing = recording.files.filter(({ name }) => !folder.look(name));
  if (isRemoving) await announceEarlier(recording, missing, deps);
  await localFiles.removing(ref, true);
  const removed: RemovedFile[] = [];
  for (const { stored, pinned } of files) {
    try {
      folder.remove(stored.name, pinned);
    } catch (error) {
      if (removed.length === 0 && !isRemoving) await localFiles.removing(ref, false);
      const outcome = notRemovedFor(join(dir, stored.name), error);
      if (outcome.outcome !== 'kept') return outcome;
      return { ...outcome, seen: readInVain(stored.name, pinned, clock.now(), HOUR_MS) };
    }
    await announce(recording, stored, false, deps);
    removed.push(removedFile(stored));
  }
  return { outcome: 'removed', files: removed, ...removeFolder(folder, dir, roots) };
}

/** The files are gone by now, so whatever keeps the folder is no failure. */
function removeFolder(folder: OpenedFolder, dir: string, roots: readonly string[]) {
  let left: string[] = [];
  try {
    folder.sync();
    left = folder.names();
    return { folderRemoved: left.length === 0 && !roots.includes(dir) && folder.removeItself(), left };
  } catch (error) {
    if (!isSystemError(error) && !(error instanceof FileReplaced)) throw error;
    return { folderRemoved: false, left };
  }
}

/** Announces what an interrupted run has removed and not noted any more. */
async function announceEarlier(
  recording: LocalRecording,
  missing: readonly LocalFile[],
  deps: LocalRemovalDeps,
): Promise<void> {
  for (const file of missing)
    if (file.state === 'uploaded' && file.removedAt === null) await announce(recording, file, true, deps);
}

async function announce(
  { id, target, dir }: LocalRecording,
  { name, sizeBytes }: LocalFile,
  isEarlier: boolean,
  { localFiles, clock, observer }: LocalRemovalDeps,
): Promise<void> {
  observer({ type: 'local-file-removed', recordingId: id, dir, name, sizeBytes, isEarlier });
  await localFiles.fileRemoved({ target, recordingId: id, name }, clock.now());
}

function removedFile({ name, sizeBytes }: LocalFile): RemovedFile {
  return { name, sizeBytes };
}

/** Announces why the files are kept, unless it was announced before. */
export async function sayOnce(
  { id, target, dir, note }: LocalRecording,
  next: KeptNote,
  { localFiles, observer }: Pick<LocalRemovalDeps, 'localFiles' | 'observer'>,
): Promise<void> {
  const isNew = note?.text !== next.text;
  if (isNew || note?.seen?.at !== next.seen?.at) await localFiles.note({ target, recordingId: id }, next);
  if (isNew) observer({ type: 'local-files-kept', recordingId: id, dir, reason: next.text });
}
