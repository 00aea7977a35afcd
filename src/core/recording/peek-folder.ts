import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { AppError, hasErrorCode } from '../errors.ts';
import { derivedId, probableId } from './derived-id.ts';
import { identityOf } from './file-identity.ts';
import { SIDECAR_NAMES } from './file-roles.ts';
import { inspectFile } from './inspect-file.ts';
import { readFolder } from './read-folder.ts';
import type { RecordingDefaults } from './read-recording.ts';
import type { RecordingId } from './recording.ts';
import { readSidecar } from './sidecar.ts';

/** What one look at a folder says, without opening the video. */
export interface Peek {
  /** The ID that the recording has by now; a sidecar that appears later may give it another one. */
  recordingId: string;
  /** Why it is not a usable recording yet; undefined: it seems to be one. */
  problem: AppError | undefined;
}

/**
 * Looks whether a folder can ever become a usable recording.
 * @param id the ID that was asked for
 * @throws AppError `RECORDING` if it cannot: it does not exist, is no folder, or its ID is not valid; `USAGE` if the path
 * is empty
 */
export function peekFolder(
  given: string,
  id: RecordingId | undefined,
  { extraFiles, idPrefix }: Pick<RecordingDefaults, 'extraFiles' | 'idPrefix'>,
): Peek {
  let problem: AppError | undefined;
  try {
    readFolder(given, extraFiles);
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'USAGE' || !canBeFolder(given)) throw error;
    problem = error;
  }
  const dir = resolve(given);
  if (id !== undefined) return { recordingId: id, problem };
  let noted: string | undefined;
  try {
    noted = idInSidecar(dir);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // Half-written, perhaps. What it will say is not known, so the folder's name need not be an ID.
    return { recordingId: probableId(basename(dir), idPrefix), problem: problem ?? error };
  }
  const recordingId =
    noted === undefined
      ? derivedId(basename(realOr(dir)), 'the folder’s name', idPrefix)
      : derivedId(noted, 'recording_id of the sidecar', idPrefix);
  return { recordingId, problem };
}

/** False only where it is certain: a folder that may not be read now may be read later. */
function canBeFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    return !hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP');
  }
}

/** @throws AppError `RECORDING` if there is a sidecar that cannot be read */
function idInSidecar(dir: string): string | undefined {
  const real = realOr(dir);
  const names = namesIn(real);
  const name = SIDECAR_NAMES.find(candidate => names.includes(candidate));
  if (name === undefined) return undefined;
  const { path, stats } = inspectFile(real, name);
  return readSidecar(real, name, { path, device: String(stats.dev), ...identityOf(stats) }).recordingId;
}

function realOr(dir: string): string {
  try {
    return realpathSync.native(dir);
  } catch {
    return dir;
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
