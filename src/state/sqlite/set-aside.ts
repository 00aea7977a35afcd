import { closeSync, copyFileSync, existsSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { untilUnlocked } from './busy.ts';
import { checkFile } from './check-file.ts';
import { findUnsound } from './find-damage.ts';
import { livingOwners } from './liveness.ts';
import { salvage } from './salvage.ts';
import { openSql, type Sql } from './sql.ts';
import { isDamage } from './state-failure.ts';

/*
 * What to do with a state file that cannot be read: it is renamed, with its -wal and -shm, and never overwritten, so
 * that people can still look into it. Two processes that find the damage at the same time must not set the new file
 * aside, and a file that a third process has open must stay: SQLite would remove the new file's log by its name.
 */

const SUFFIXES = ['-wal', '-shm', ''] as const;
const LOCK_TIMEOUT_MS = 10_000;
/** A process that has just met the same damage has ended after this. */
const PATIENCE_MS = 1_000;
const LOOK_EVERY_MS = 50;

const fileOf = (stateDir: string) => join(stateDir, 'state.db');
const markOf = (stateDir: string) => join(stateDir, 'state.db.damaged');

/** Notes that a statement met damage: the next process checks the whole file. */
export function markDamaged(stateDir: string): void {
  try {
    writeFileSync(markOf(stateDir), '', { mode: 0o600 });
  } catch {
    // The caller reports the damage itself, which matters more.
  }
}

/** @throws SQLite's error if the file was marked and is damaged indeed */
export async function checkIfMarked(stateDir: string): Promise<void> {
  if (!existsSync(markOf(stateDir))) return;
  const flaw = await flawOf(fileOf(stateDir));
  if (flaw) throw flaw;
  rmSync(markOf(stateDir), { force: true });
}

/** Tables without which no upload or webhook is missing. */
const HISTORY: readonly string[] = ['attempts', 'totals', 'successes', 'worker', 'alert_causes', 'alert_messages'];
/**
 * What is known of a fleet's database. Without it a recording is brought over once more, which changes nothing there, and a
 * webhook may be sent a second time, with the same `webhook-id`; to lose all uploads and webhooks would be worse.
 */
const OF_FLEET: readonly string[] = ['brought', 'moved', 'spooled', 'spooled_folders', 'spooled_settlements'];

/**
 * What the new file has of a damaged one: all that matters, as with a damaged index; only the folders whose upload was
 * asked for, of which nothing else has to be known; or nothing.
 */
export type Saved = 'all' | 'queue' | 'nothing';

/**
 * Renames a damaged state file to `state.db.corrupt-<time>`, unless another process was faster, and saves what can be read.
 * @returns the new name, and what was saved; undefined if the file is sound by now
 * @throws AppError `STATE` if another process has the file open
 */
export function setAside(stateDir: string, nowMs: number): Promise<{ aside: string; saved: Saved } | undefined> {
  return locked(stateDir, async () => {
    const file = fileOf(stateDir);
    if (!(await flawOf(file))) return undefined;
    await refuseWhileInUse(stateDir, file);
    const aside = `${file}.corrupt-${timeForName(nowMs)}`;
    const saved = writeSalvaged(file);
    for (const suffix of SUFFIXES) if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
    if (saved !== 'nothing') renameSync(salvagedOf(file), file);
    rmSync(markOf(stateDir), { force: true });
    return { aside, saved };
  });
}

const salvagedOf = (file: string) => `${file}.salvaged`;

/** @returns what the new file has */
function writeSalvaged(file: string): Saved {
  const target = salvagedOf(file);
  rmSync(target, { force: true });
  try {
    const { sql, damage } = salvage(file);
    try {
      const isWhole = damage.unreadable.every(({ table }) => HISTORY.includes(table) || OF_FLEET.includes(table));
      if (!isWhole && !keepQueue(sql)) return 'nothing';
      // Private from its first byte on, as the file in whose place it comes.
      closeSync(openSync(target, 'wx', 0o600));
      sql.run('VACUUM INTO $target', { target });
      return isWhole ? 'all' : 'queue';
    } finally {
      sql.close();
    }
  } catch {
    rmSync(target, { force: true });
    return 'nothing';
  }
}

/** An absolute path: of Linux and macOS, or of Windows (`C:\…`, `\\server\…`). */
const ABSOLUTE = ['/*', '[A-Za-z]:[\\/]*', '\\\\*'].map(glob => `dir GLOB '${glob}'`).join(' OR ');

/** Leaves nothing but the queue, without entries that do not say what was asked for. @returns false if it is empty */
function keepQueue(sql: Sql): boolean {
  const tables = sql.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
  for (const { name } of tables) if (name !== 'queue') sql.exec(`DELETE FROM "${String(name)}"`);
  sql.exec(
    `DELETE FROM queue WHERE NOT (${ABSOLUTE}) OR asked = '{}' OR origin NOT IN ('upload', 'enqueued', 'found')`,
  );
  return sql.get('SELECT 1 FROM queue LIMIT 1') !== undefined;
}

/**
 * Finds out whether a folder that was in use has lost its state file, or has an empty one.
 * @returns what to say; undefined if nothing is missing
 */
export function whatIsMissing(stateDir: string): string | undefined {
  const file = fileOf(stateDir);
  // In this order: SQLite creates the file before its log, and we create `owners` last.
  const wasUsed = existsSync(`${file}-wal`) || existsSync(join(stateDir, 'owners'));
  const sizeBytes = statSync(file, { throwIfNoEntry: false })?.size;
  if (!wasUsed || (sizeBytes ?? 0) > 0) return undefined;
  return `the state file ${file} is ${sizeBytes === 0 ? 'empty' : 'missing'}`;
}

/**
 * The same for whoever begins a new one. A log that was left without its file is copied, because SQLite will remove it.
 * @returns what to tell; undefined if nothing is missing
 */
export function findMissing(stateDir: string, nowMs: number): string | undefined {
  const missing = whatIsMissing(stateDir);
  if (missing === undefined) return undefined;
  const log = `${fileOf(stateDir)}-wal`;
  if (!existsSync(log)) return `${missing}: a new one is begun`;
  const copy = `${fileOf(stateDir)}.lost-${timeForName(nowMs)}-wal`;
  copyFileSync(log, copy);
  return `${missing}: a new one is begun; its log is kept as ${copy}`;
}

async function flawOf(file: string): Promise<unknown> {
  try {
    const flaw = await checkFile(file, { readOnly: false, timeoutMs: LOCK_TIMEOUT_MS });
    if (flaw) return flaw;
    const sql = openSql(file);
    try {
      return await untilUnlocked(() => findUnsound(sql), { patienceMs: LOCK_TIMEOUT_MS });
    } finally {
      sql.close();
    }
  } catch (error) {
    if (isDamage(error)) return error;
    throw error;
  }
}

async function refuseWhileInUse(stateDir: string, file: string): Promise<void> {
  const until = systemClock.monotonic() + PATIENCE_MS;
  while (livingOwners(stateDir).length > 0) {
    if (systemClock.monotonic() > until) {
      throw new AppError('STATE', `the state file ${file} is damaged, and another process still uses it`, {
        hint: 'wait until it has ended, then run the command again: the file is set aside then',
      });
    }
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}

/** Lets one process at a time do this. */
async function locked<T>(stateDir: string, work: () => Promise<T>): Promise<T> {
  const lock = openSql(join(stateDir, 'set-aside.lock'));
  try {
    await untilUnlocked(() => lock.exec('BEGIN EXCLUSIVE'), { patienceMs: LOCK_TIMEOUT_MS });
    return await work();
  } finally {
    lock.close();
  }
}

/** `20260131T120000123Z`: sorts by time, and is a valid file name on every system. */
function timeForName(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:.]/g, '');
}
