import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { isOnSharedDrive } from '../../core/first-look.ts';
import { currentUser, foreignFolder } from '../../core/own-files.ts';
import { formatBytes } from '../../core/units.ts';
import { refuseForeignLog } from '../observers/own-log.ts';
import type { Finding } from './check.ts';

const LTS_FROM = 24;

/** Checks the running Node.js: even major versions get long-term support, odd ones end after months. */
export function checkNode(version: string): Finding {
  const major = Number(version.split('.')[0]);
  const name = 'Node.js';
  if (major < LTS_FROM) {
    return { name, status: 'failure', detail: `${version} is too old`, fix: `install Node.js ${LTS_FROM} or newer` };
  }
  if (major % 2 === 1) {
    return {
      name,
      status: 'warning',
      detail: `${version} gets no long-term support`,
      fix: 'use an even major version',
    };
  }
  return { name, status: 'ok', detail: version };
}

const LOW_BYTES = 1_000_000_000;
const LEAST_BYTES = 50_000_000;

/**
 * Checks that the state folder exists or can be created, is private, writable and on a disk of this machine, and has free
 * space. Leaves nothing behind.
 * @param machine.isShared whether a place is on a network drive
 */
export async function checkStateFolder(
  stateDir: string,
  { uid, isShared = isOnSharedDrive }: { uid: number | undefined; isShared?: (path: string) => Promise<boolean> },
): Promise<Finding[]> {
  const fix = 'set stateDir (RECORDUPLOAD_STATE_DIR) to a writable folder';
  const there = await nearest(stateDir);
  const isMade = there === stateDir;
  const foreign = isMade ? foreignFolder(stateDir, await stat(stateDir), { ...currentUser(), uid }) : undefined;
  if (foreign) {
    const detail = `${stateDir} ${foreign.flaw}`;
    return [{ name: 'state folder', status: 'failure', detail, fix: foreign.fix ?? fix }];
  }
  try {
    if (isMade) {
      const probe = join(stateDir, `doctor-${randomUUID()}.tmp`);
      try {
        await writeFile(probe, 'x', { mode: 0o600, flag: 'wx' });
      } finally {
        await rm(probe, { force: true });
      }
    } else await access(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    const detail = full ? `the disk of ${stateDir} is full` : `${there} is not writable (${code})`;
    return [{ name: 'state folder', status: 'failure', detail, fix: full ? 'free some space' : fix }];
  }
  const { bavail, bsize } = await statfs(there);
  const freeBytes = bavail * bsize;
  const room: Finding = {
    name: 'disk space',
    status: freeBytes < LEAST_BYTES ? 'failure' : freeBytes < LOW_BYTES ? 'warning' : 'ok',
    detail: `${formatBytes(freeBytes)} free for the state and the log`,
    ...(freeBytes < LOW_BYTES && { fix: `free some space on the disk of ${there}` }),
  };
  const findings = [await standing(stateDir, isMade, uid), room];
  if (!(await isShared(stateDir))) return findings;
  // https://sqlite.org/wal.html: "WAL does not work over a network filesystem."
  const detail = `${stateDir} is on a network drive, where SQLite's locks may fail: the state may be damaged`;
  const local = 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder on a disk of this machine';
  return [...findings, { name: 'state disk', status: 'warning', detail, fix: local }];
}

async function standing(stateDir: string, isMade: boolean, uid: number | undefined): Promise<Finding> {
  const name = 'state folder';
  if (!isMade) return { name, status: 'ok', detail: `${stateDir} does not exist yet and can be created` };
  const stats = await stat(stateDir);
  // Root's: anything else was refused before.
  if (uid !== undefined && stats.uid !== uid) {
    const detail = `${stateDir} belongs to another user (uid ${stats.uid}), who may be unable to read files created here`;
    return { name, status: 'warning', detail, fix: 'always run recordupload as the same user' };
  }
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
    const detail = `${stateDir} is open to other users`;
    return { name, status: 'warning', detail, fix: `chmod 700 '${stateDir.replaceAll("'", "'\\''")}'` };
  }
  return { name, status: 'ok', detail: `${stateDir} is writable` };
}

/** Checks a log outside of the state folder. Work continues without a log, but not over a file that is no log. */
export async function checkLogFile(logFile: string): Promise<Finding> {
  const name = 'log';
  const there = await nearest(logFile);
  try {
    await refuseForeignLog(logFile);
    await access(there, constants.W_OK);
    const { bavail } = await statfs(there);
    if (bavail > 0) return { name, status: 'ok', detail: `${logFile} is writable` };
    return { name, status: 'warning', detail: `the disk of ${logFile} is full`, fix: 'free some space' };
  } catch (error) {
    if (error instanceof AppError) return { name, status: 'failure', detail: error.message, fix: error.hint };
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const fix = 'set logFile (RECORDUPLOAD_LOG_FILE) to a writable file';
    return { name, status: 'warning', detail: `${there} is not writable (${code})`, fix };
  }
}

/** The file or folder itself; if it does not exist, the nearest existing folder above it. */
async function nearest(folder: string): Promise<string> {
  try {
    await stat(folder);
    return folder;
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT') || dirname(folder) === folder) return folder;
    return await nearest(dirname(folder));
  }
}

/**
 * The state's own check of its file.
 * @param findFlaw what is wrong with the state; undefined if it is sound
 */
export async function checkStateFile(
  stateDir: string,
  findFlaw: (signal: AbortSignal) => Promise<string | undefined>,
  signal: AbortSignal,
): Promise<Finding> {
  const name = 'state file';
  const file = join(stateDir, 'state.db');
  const stats = await stat(file).catch(() => undefined);
  if (!stats) return { name, status: 'ok', detail: 'none yet: nothing has been uploaded from this machine' };
  let flaw: string | undefined;
  try {
    flaw = await findFlaw(signal);
  } catch (error) {
    if (error instanceof AppError) return { name, status: 'failure', detail: error.message, fix: error.hint };
    if (!signal.aborted) throw error;
    return { name, status: 'warning', detail: 'too large to be checked in time' };
  }
  if (flaw === undefined) return { name, status: 'ok', detail: 'intact' };
  return {
    name,
    status: 'failure',
    detail: `${file}: ${flaw}`,
    fix: 'recordupload retry sets a damaged file aside and creates a new one',
  };
}
