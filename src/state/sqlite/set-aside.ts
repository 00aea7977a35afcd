import { copyFileSync, existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { monotonicMs } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { livingOwners } from './liveness.ts';
import { isDamage } from './state-failure.ts';

/*
 * What to do with a state file that cannot be read: it is renamed, with its -wal and -shm, and never overwritten, so
 * that somebody can still look into it. Two processes that find the damage at once must not set the new file aside, and
 * a file that a third one has open must stay: SQLite would remove the new file's log by its name.
 */

const SUFFIXES = ['-wal', '-shm', ''] as const;
const LOCK_TIMEOUT_MS = 10_000;
/** Processes that have just met the same damage are gone after this. */
const PATIENCE_MS = 1_000;

const fileOf = (stateDir: string) => join(stateDir, 'state.db');
const markOf = (stateDir: string) => join(stateDir, 'state.db.damaged');

/** Notes that damage was met in the middle of the work: the next process looks at the whole file. */
export function markDamaged(stateDir: string): void {
  try {
    writeFileSync(markOf(stateDir), '', { mode: 0o600 });
  } catch {
    // The damage itself is what is told.
  }
}

/** @throws SQLite's error where the file was marked, and is damaged indeed */
export function checkIfMarked(stateDir: string): void {
  if (!existsSync(markOf(stateDir))) return;
  const flaw = flawOf(fileOf(stateDir));
  if (flaw) throw flaw;
  rmSync(markOf(stateDir), { force: true });
}

/**
 * Renames a damaged state file to `state.db.corrupt-<time>`, unless another process was faster.
 * @returns the new name; undefined where there is a good file meanwhile
 * @throws AppError `STATE` where another process has the file open
 */
export function setAside(stateDir: string, nowMs: number): string | undefined {
  return locked(stateDir, () => {
    const file = fileOf(stateDir);
    if (!flawOf(file)) return undefined;
    refuseWhileInUse(stateDir, file);
    const aside = `${file}.corrupt-${timeForName(nowMs)}`;
    for (const suffix of SUFFIXES) if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
    rmSync(markOf(stateDir), { force: true });
    return aside;
  });
}

/**
 * A folder that has been in use, without its state file or with an empty one. A log that was left without its file is copied: SQLite will
 * remove it.
 * @returns what to tell; undefined where nothing is missing
 */
export function findMissing(stateDir: string, nowMs: number): string | undefined {
  const file = fileOf(stateDir);
  // In this order: SQLite makes the file before its log, and `owners` is made last of all.
  const hasLog = existsSync(`${file}-wal`);
  const wasUsed = hasLog || existsSync(join(stateDir, 'owners'));
  const sizeBytes = statSync(file, { throwIfNoEntry: false })?.size;
  if (!wasUsed || (sizeBytes ?? 0) > 0) return undefined;
  const copy = `${file}.lost-${timeForName(nowMs)}-wal`;
  if (hasLog) copyFileSync(`${file}-wal`, copy);
  return `the state file ${file} is ${sizeBytes === 0 ? 'empty' : 'missing'}: a new one is begun${hasLog ? `; its log is kept as ${copy}` : ''}`;
}

function flawOf(file: string): unknown {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: LOCK_TIMEOUT_MS });
    const verdict = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
    if (verdict === 'ok') return undefined;
    return Object.assign(new Error(String(verdict)), { code: 'ERR_SQLITE_ERROR', errcode: 11 });
  } catch (error) {
    if (isDamage(error)) return error;
    throw error;
  } finally {
    database?.close();
  }
}

function refuseWhileInUse(stateDir: string, file: string): void {
  const until = monotonicMs() + PATIENCE_MS;
  while (livingOwners(stateDir).length > 0) {
    if (monotonicMs() > until) {
      throw new AppError('STATE', `the state file ${file} is damaged, and another process still uses it`, {
        hint: 'wait until it has ended, then run the command again: the file is set aside then',
      });
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}

function locked<T>(stateDir: string, work: () => T): T {
  const lock = new DatabaseSync(join(stateDir, 'set-aside.lock'), { timeout: LOCK_TIMEOUT_MS });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return work();
  } finally {
    lock.close();
  }
}

/** `20260131T120000123Z`: sorts by time, and is a legal file name everywhere. */
function timeForName(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:.]/g, '');
}
