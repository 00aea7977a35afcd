import { systemClock } from '../../core/clock.ts';
import { LEASE_MS } from '../../core/delivery/claims.ts';
import { MAY_ARRIVE_MS } from '../../core/delivery/in-flight.ts';
import { AppError } from '../../core/errors.ts';
import { printable } from '../../core/text.ts';
import type { Database as PostgresDatabase } from '../postgres/database.ts';
import { freeDeliveries } from '../sqlite/claims.ts';
import type { Database as SqliteDatabase } from '../sqlite/database.ts';
import { livingOwners } from '../sqlite/liveness.ts';
import type { Sql } from '../sqlite/sql.ts';
import { backUp } from './back-up.ts';
import { type Copied, type CopyOptions, copyRecordings, forEachRecording, verifyCopy } from './copy.ts';
import { epochOf } from './epoch.ts';
import { isSame, NOTHING, plus } from './known.ts';
import { type Moved, movedIn, noteMoved } from './moved.ts';
import { postgresTransfer, sqliteTransfer } from './transfer.ts';

/** How soon to look again at a recording whose webhook is being sent. */
const LOOK_AGAIN_MS = 200;

/** The tables that grow with what is moved. */
const ANALYZED = ['recordings', 'files', 'parts', 'deliveries', 'attempts', 'pruned_deliveries', 'queue', 'counts'];

/** The two sides of a move. */
export interface Sides {
  sqlite: SqliteDatabase;
  stateDir: string;
  postgres: PostgresDatabase;
}

export interface MoveOptions extends CopyOptions {
  to: Moved['destination'];
}

export interface MoveReport extends Copied {
  /** The file that the SQLite state was copied to before it was emptied. */
  backup: string | undefined;
}

/**
 * Moves this machine's state from SQLite into PostgreSQL, or back: copies all, compares both sides, then removes it where
 * it was. It may be interrupted at any time and run again. While it is under way, nobody else can use the SQLite state.
 * @throws AppError `BUSY` while a process of this machine works on either side, `STATE`, `VERIFICATION`; the signal's reason
 */
export async function moveState(sides: Sides, options: MoveOptions): Promise<MoveReport> {
  const { to, now, dryRun } = options;
  const { sqlite, postgres } = sides;
  const before = await sqlite.read(movedIn);
  if (before && !before.isOver && before.destination !== to) throw unfinished(before);
  // One that was begun and interrupted may have moved all of it.
  if (to === 'sqlite' && before?.destination !== 'sqlite') await refuseStranger(postgres);
  if (dryRun) {
    await refuseOthers(sides);
    return await wouldMove(sides, options);
  }
  // Two machines of one name must not become one; the fleet knows this one from now on.
  await postgres.writeAsOwner(async () => {});
  const mark = { destination: to, place: postgres.where, isOver: false, at: now };
  // Noted first: whoever opens the state from now on is refused, and those who have it open are found.
  await sqlite.write(sql => noteMoved(sql, mark));
  try {
    await refuseOthers(sides);
  } catch (error) {
    await sqlite.write(sql => noteMoved(sql, before));
    throw error;
  }
  await freeDead(sides, now);
  return to === 'postgres' ? await toPostgres(sides, options, before) : await toSqlite(sides, options, before);
}

export function unfinished({ destination, place }: Moved): AppError {
  return new AppError('CONFIG', `a move to ${destination} was begun and not finished (PostgreSQL at ${place})`, {
    hint: `finish it first: recordupload state move --to ${destination}`,
  });
}

/**
 * A machine that has another name than when its state was moved there would get an empty state.
 * @throws AppError `CONFIG`
 */
async function refuseStranger({ read, self: { machine }, where }: PostgresDatabase): Promise<void> {
  const names = await read(async sql =>
    (await sql.all('SELECT name FROM machines UNION SELECT DISTINCT machine FROM recordings ORDER BY 1')).map(row =>
      String(row.name),
    ),
  );
  if (!names.includes(machine)) throw stranger(machine, where, names);
}

/** The error for a machine that the fleet does not know. @param names of those that it knows */
export function stranger(machine: string, where: string, names: readonly string[]): AppError {
  const known = names.length > 0 ? ` (known: ${names.map(printable).join(', ')})` : '';
  return new AppError('CONFIG', `PostgreSQL at ${where} has nothing of machine ${machine}; nothing was moved`, {
    hint: `call this machine as it was called when its state was moved there${known}: machine (RECORDUPLOAD_MACHINE)`,
  });
}

/** @throws AppError `BUSY` */
async function refuseOthers({ sqlite, stateDir, postgres }: Sides): Promise<void> {
  const own = postgres.liveness.current();
  const pids = [
    ...(await sqlite.read(sql =>
      livingOwners(stateDir)
        .filter(id => id !== sqlite.liveness.ownerId)
        .map(id => sql.get('SELECT pid FROM owners WHERE id = $id', { id })?.pid),
    )),
    ...(await postgres.read(async sql =>
      [...(await postgres.liveness.living(sql)).values()]
        .filter(({ id, machine }) => machine === postgres.self.machine && id !== own)
        .map(({ pid }) => pid),
    )),
  ];
  if (pids.length > 0) throw othersWork(pids);
}

/** @param pids of the processes, as far as they are known */
export function othersWork(pids: readonly unknown[]): AppError {
  const known = [...new Set(pids.filter(pid => pid !== undefined))];
  const who = known.length === 0 ? 'another process' : `process ${known.join(', ')}`;
  return new AppError('BUSY', `${who} of this machine works on the state; nothing was moved`, {
    hint: 'stop recordupload watch and wait until uploads have ended (recordupload status), then run the command again',
  });
}

/** Claims of processes that died are void; what they had sent may still arrive. */
async function freeDead({ sqlite, postgres }: Sides, now: number): Promise<void> {
  await sqlite.write(sql => {
    for (const { id } of sql.all('SELECT DISTINCT claimed_by AS id FROM deliveries WHERE claimed_by IS NOT NULL'))
      freeDeliveries(sql, String(id), now);
    sql.run('UPDATE recordings SET claimed_by = NULL');
  });
  await postgres.write(async sql => {
    await sql.run('UPDATE recordings SET claimed_by = NULL WHERE machine = $machine', {
      machine: postgres.self.machine,
    });
    await sql.run(
      `UPDATE deliveries SET claimed_by = NULL, claim = NULL, claimed_at = NULL,
         in_flight_until = GREATEST(in_flight_until, LEAST(claimed_at + $lease::bigint, $latest::bigint))
       WHERE claimed_by IS NOT NULL AND claimed_by NOT IN (SELECT id FROM living_owners)`,
      { lease: LEASE_MS, latest: now + MAY_ARRIVE_MS },
    );
  });
}

async function wouldMove({ sqlite, postgres }: Sides, options: MoveOptions): Promise<MoveReport> {
  const [own, shared] = [sqliteTransfer(sqlite), postgresTransfer(postgres)];
  const [from, to] = options.to === 'postgres' ? [own, shared] : [shared, own];
  const copied = await copyRecordings(from, to, options);
  const { queue } = await from.readBeside();
  return { ...copied, counts: plus(copied.counts, { ...NOTHING, queued: queue.length }), backup: undefined };
}

async function toPostgres(sides: Sides, options: MoveOptions, before: Moved | undefined): Promise<MoveReport> {
  const { sqlite, postgres } = sides;
  const { now, signal } = options;
  const [from, to] = [sqliteTransfer(sqlite), postgresTransfer(postgres)];
  const copied = await copyRecordings(from, to, options);
  const beside = await from.readBeside();
  await to.takeBeside(beside, await sourceOf(sides), now);
  await postgres.write(async sql => {
    await sql.run('DELETE FROM moved WHERE machine = $machine', { machine: postgres.self.machine });
  });
  const counts = await verifyCopy(from, to, copied, signal);
  const isEmpty = counts.recordings + beside.queue.length + copied.kept.length === 0;
  // Moved before: the copy that was made then has it all.
  const backup = before?.isOver && isEmpty ? undefined : await backUp(sides.stateDir, now);
  await sqlite.write(sql => {
    empty(
      sql,
      copied.kept.map(({ recordingId }) => recordingId),
    );
    noteMoved(sql, { destination: 'postgres', place: postgres.where, isOver: true, at: now });
  });
  await analyze(sides);
  return { ...copied, counts: plus(counts, { ...NOTHING, queued: beside.queue.length }), backup };
}

/**
 * PostgreSQL knows nothing of new rows until it has looked at a sample of them, and reads whole tables for the first
 * `status`. A role that only an administrator's SQL lets in may not have that done; autovacuum does it a minute later.
 */
async function analyze({ postgres }: Sides): Promise<void> {
  try {
    await postgres.write(async sql => {
      await sql.run(`ANALYZE ${ANALYZED.join(', ')}`);
    });
  } catch (error) {
    // All is moved by now.
    if (!(error instanceof AppError)) throw error;
  }
}

async function toSqlite(sides: Sides, options: MoveOptions, before: Moved | undefined): Promise<MoveReport> {
  const { sqlite, postgres } = sides;
  const { now, signal } = options;
  const { machine } = postgres.self;
  const [from, to] = [postgresTransfer(postgres), sqliteTransfer(sqlite)];
  // What the file has kept while the database was away is newer than what the database has.
  if (before?.destination !== 'sqlite') {
    await copyRecordings(to, from, options);
    await from.takeBeside(await to.readBeside(), await sourceOf(sides), now);
  }
  const copied = await copyRecordings(from, to, options);
  const beside = await from.readBeside();
  const isAlone = await isOnlyMachine(postgres);
  // What the whole fleet has counted, and was told, stays with it.
  const own = isAlone ? beside : { ...beside, totals: [], successes: [], alert_causes: [], alert_messages: [] };
  await to.takeBeside(own, 'postgres', now);
  const counts = await verifyCopy(from, to, copied, signal);
  await forEachRecording(from, signal, async id => {
    // Another machine may have sent a webhook of it since, or is doing so now.
    for (;;) {
      const known = await from.read(id);
      if (!isSame(await to.read(id), known)) await to.put(known, now);
      if (await from.remove(known)) return;
      await systemClock.sleep(LOOK_AGAIN_MS, signal);
    }
  });
  await from.removeBeside();
  await postgres.write(async sql => {
    await sql.run(
      'INSERT INTO moved (machine, at) VALUES ($machine, $now) ON CONFLICT (machine) DO UPDATE SET at = excluded.at',
      { machine, now },
    );
    // The totals came along; a later move counts them from the beginning.
    await sql.run("DELETE FROM brought WHERE source = $machine OR source LIKE $machine || ' %'", { machine });
    if (isAlone) for (const table of ['totals', 'sharded_totals']) await sql.run(`DELETE FROM ${table}`);
  });
  await sqlite.write(sql => {
    for (const table of ['spooled', 'spooled_folders', 'spooled_settlements']) sql.run(`DELETE FROM ${table}`);
    noteMoved(sql, undefined);
  });
  return { ...copied, counts: plus(counts, { ...NOTHING, queued: beside.queue.length }), backup: undefined };
}

/** Names the SQLite file whose totals are counted in; as the spool does. */
async function sourceOf({ sqlite, postgres }: Sides): Promise<string> {
  return `${postgres.self.machine} ${await epochOf(sqlite)}`;
}

async function isOnlyMachine({ read, self }: PostgresDatabase): Promise<boolean> {
  return await read(async sql => {
    const other = await sql.get('SELECT 1 AS other FROM recordings WHERE machine <> $machine LIMIT 1', {
      machine: self.machine,
    });
    return other === undefined;
  });
}

/** Removes all but these recordings. */
function empty(sql: Sql, keep: readonly string[]): void {
  const kept = '(SELECT value FROM json_each($keep))';
  const values = { keep: JSON.stringify(keep) };
  for (const table of ['parts', 'multipart_uploads', 'files', 'deliveries', 'pruned_deliveries'])
    sql.run(`DELETE FROM ${table} WHERE recording_id NOT IN ${kept}`, values);
  sql.run(`DELETE FROM recordings WHERE id NOT IN ${kept}`, values);
  for (const table of ['begun_uploads', 'queue', 'endpoints', 'totals', 'successes', 'alert_causes', 'alert_messages'])
    sql.run(`DELETE FROM ${table}`);
  // Totals begin at nothing again, and the spool knows of nothing.
  for (const table of ['brought', 'spooled', 'spooled_folders', 'spooled_settlements']) sql.run(`DELETE FROM ${table}`);
}
