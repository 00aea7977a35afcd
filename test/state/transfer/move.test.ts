import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parseDatabaseUrl } from '../../../src/core/database-url.ts';
import { openDatabase as openPostgres, type Database as Postgres } from '../../../src/state/postgres/database.ts';
import { postgresStateOver } from '../../../src/state/postgres/postgres-state.ts';
import { schemaSql } from '../../../src/state/postgres/schema-sql.ts';
import { openDatabase, type Database as Sqlite } from '../../../src/state/sqlite/database.ts';
import type { State } from '../../../src/state/state.ts';
import { copyRecordings } from '../../../src/state/transfer/copy.ts';
import { type MoveReport, moveState } from '../../../src/state/transfer/move.ts';
import { movedIn, refuseMoved } from '../../../src/state/transfer/moved.ts';
import { postgresTransfer, sqliteTransfer } from '../../../src/state/transfer/transfer.ts';
import { ATTEMPT, claimAll, deliver, enqueue, HOUR, NOW } from '../conformance/facts.ts';
import { describeWithPostgres, useCluster, useDatabase } from '../postgres/support.ts';
import { failureOf } from '../sqlite/support.ts';
import { everything, fill, openSqlite } from './support.ts';

const PROCESS = join(import.meta.dirname, 'moving-process.ts');

describeWithPostgres('moving a state', () => {
  const stage = useCluster();
  const place = useDatabase(stage);
  const { open } = place;
  const move = (
    sides: { sqlite: Sqlite; dir: string; postgres: Postgres },
    to: 'postgres' | 'sqlite',
    { dryRun = false, now = NOW } = {},
  ): Promise<MoveReport> =>
    moveState(
      { sqlite: sides.sqlite, stateDir: sides.dir, postgres: sides.postgres },
      { to, dryRun, now, signal: new AbortController().signal },
    );
  const filled = async () => {
    const { database: sqlite, state, dir } = await openSqlite();
    await fill(state);
    return { sqlite, state, dir, postgres: await open() };
  };
  const analyzed = async () =>
    (
      await stage.cluster.run(
        "SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'recordupload' ORDER BY tablename",
        place.name,
      )
    ).map(({ tablename }) => tablename);
  const refusal = async (sqlite: Sqlite, asSpool = false) =>
    await failureOf(sqlite.read(sql => refuseMoved(sql, { asSpool })));

  test('brings all of it to the other side, counted, and back again', async () => {
    const sides = await filled();
    const [own, shared] = [sqliteTransfer(sides.sqlite), postgresTransfer(sides.postgres)];
    const before = await everything(own);
    const { counts, kept, backup } = await move(sides, 'postgres');
    expect({ counts, kept }).toEqual({
      counts: { recordings: 3, files: 2, parts: 3, deliveries: 7, attempts: 1, queued: 1 },
      kept: [],
    });
    expect(await everything(shared)).toEqual(before);
    expect((await everything(own)).recordings).toEqual([]);
    // What was there is kept as it was, for whoever wants to look.
    const copy = await openDatabaseFile(backup!);
    expect(copy).toBe(3);
    await move(sides, 'sqlite');
    expect(await everything(own)).toEqual(before);
    expect((await everything(shared)).recordings).toEqual([]);
    expect(await sides.sqlite.read(movedIn)).toBeUndefined();
  });

  test('has PostgreSQL look at what came, so that the first question about it is answered quickly', async () => {
    const sides = await filled();
    await move(sides, 'postgres');
    expect(await analyzed()).toEqual(
      expect.arrayContaining(['attempts', 'deliveries', 'files', 'parts', 'recordings']),
    );
  });

  test('is over, too, where the role may not have it look', async () => {
    const role = `mover_${place.name}`;
    await stage.cluster.run(`CREATE ROLE ${role} LOGIN`);
    await stage.cluster.run(schemaSql(role), place.name);
    const url = parseDatabaseUrl(stage.cluster.url(place.name, { user: role }));
    if (!url.ok) throw new Error(url.flaw);
    const postgres = await openPostgres({ ...place.optionsOf('studio-a'), url: url.url });
    place.opened.push(postgres);
    const { database: sqlite, state, dir } = await openSqlite();
    await fill(state);
    const { counts } = await move({ sqlite, dir, postgres }, 'postgres');
    expect(counts).toMatchObject({ recordings: 3, deliveries: 7 });
    expect(await analyzed()).toEqual([]);
    await stage.cluster.run(`DROP OWNED BY ${role}`, place.name);
    await stage.cluster.run(`DROP ROLE ${role}`);
  });

  test('brings a refused token along, so that what it holds is sent by whoever has another one', async () => {
    const sides = await filled();
    const refused = { hash: 'ab', salt: 'cd' };
    const elsewhere = { hash: 'ef', salt: 'cd' };
    const refuse = async (state: State, fingerprint: typeof refused) => {
      const [claimed] = await claimAll(state, NOW + 5 * HOUR, { limit: 1 });
      const next = { state: 'held' as const, heldReason: 'refused' as const, retries: 0 };
      const consequence = { kind: 'refuse' as const, fingerprint };
      await state.claims.settle({ delivery: claimed!, now: NOW, attempt: ATTEMPT, next, consequence });
    };
    await refuse(sides.state, refused);
    const waiting = await sides.state.outbox.list({ endpoint: 'default', states: ['held'] });
    const held = waiting.filter(({ heldReason }) => heldReason === 'refused').length;
    expect(held).toBeGreaterThan(0);
    // The fleet has met a refusal of its own.
    const other = await open('studio-b');
    const fleet = postgresStateOver(other);
    await enqueue(fleet, 'of-b');
    await refuse(fleet, elsewhere);
    await move(sides, 'postgres');
    expect(await fleet.endpoints.get('default')).toMatchObject({ refusedOn: ['studio-a', 'studio-b'] });
    expect(await fleet.endpoints.refusals('default')).toEqual(expect.arrayContaining([refused, elsewhere]));
    expect(await fleet.endpoints.useToken('default', [{ hash: '01', salt: 'cd' }], NOW)).toBe(held + 1);
    expect(await fleet.endpoints.get('default')).toMatchObject({ refusedOn: ['studio-a'], hasSender: true });
  });

  test('leaves a mark, so that whoever still uses the old state is refused', async () => {
    const sides = await filled();
    await move(sides, 'postgres');
    expect((await refusal(sides.sqlite)).message).toContain('was moved into PostgreSQL at 127.0.0.1');
    await sides.sqlite.read(sql => refuseMoved(sql, { asSpool: true }));
    await move(sides, 'sqlite');
    await sides.sqlite.read(sql => refuseMoved(sql, { asSpool: false }));
  });

  test('only counts with --dry-run', async () => {
    const sides = await filled();
    const before = await everything(sqliteTransfer(sides.sqlite));
    const { counts } = await move(sides, 'postgres', { dryRun: true });
    expect(counts).toEqual({ recordings: 3, files: 2, parts: 3, deliveries: 7, attempts: 1, queued: 1 });
    expect(await everything(sqliteTransfer(sides.sqlite))).toEqual(before);
    expect((await everything(postgresTransfer(sides.postgres))).recordings).toEqual([]);
    expect(await sides.sqlite.read(movedIn)).toBeUndefined();
  });

  test('refuses while a process of the machine works on either side', async () => {
    const sides = await filled();
    const other = await openDatabase(sides.dir);
    expect((await failureOf(move(sides, 'postgres'))).code).toBe('BUSY');
    await other.close();
    const worker = await open();
    await worker.liveness.owner();
    expect((await failureOf(move(sides, 'postgres'))).code).toBe('BUSY');
    await worker.close();
    expect(await sides.sqlite.read(movedIn)).toBeUndefined();
    expect((await everything(postgresTransfer(sides.postgres))).recordings).toEqual([]);
    // Another machine of the fleet is no reason.
    const elsewhere = await open('studio-b');
    await elsewhere.liveness.owner();
    expect((await move(sides, 'postgres')).counts.recordings).toBe(3);
  });

  test('keeps a recording whose ID another machine has', async () => {
    const [a, b] = [await filled(), await openSqlite()];
    await move(a, 'postgres');
    await fill(b.state);
    await enqueue(b.state, 'own');
    const { kept } = await move({ sqlite: b.database, dir: b.dir, postgres: await open('studio-b') }, 'postgres');
    expect(kept.map(({ recordingId, machine }) => [recordingId, machine])).toEqual(
      expect.arrayContaining(['done', 'live', 'partial'].map(id => [id, 'studio-a'])),
    );
    expect(await sqliteTransfer(b.database).ids('', 10)).toEqual(['done', 'live', 'partial']);
    expect((await postgresTransfer(a.postgres).read('own')).deliveries).toHaveLength(1);
  });

  test('that was interrupted under another name of the machine is not finished under the new one', async () => {
    const sides = await filled();
    const options = { dryRun: false, now: NOW, signal: new AbortController().signal };
    await copyRecordings(sqliteTransfer(sides.sqlite), postgresTransfer(sides.postgres), options);
    const renamed = { ...sides, postgres: await open('studio-b') };
    for (const dryRun of [true, false]) {
      const { kept, counts } = await move(renamed, 'postgres', { dryRun });
      expect(counts.recordings).toBe(0);
      expect(kept.map(({ recordingId, machine }) => [recordingId, machine])).toEqual(
        expect.arrayContaining(['done', 'live', 'partial'].map(id => [id, 'studio-a'])),
      );
    }
    expect(await sqliteTransfer(sides.sqlite).ids('', 10)).toEqual(['done', 'live', 'partial']);
    // Under its own name it is.
    const again = await move(sides, 'postgres', { now: NOW + 1 });
    expect(again.counts.recordings).toBe(3);
    expect(await sqliteTransfer(sides.sqlite).ids('', 10)).toEqual([]);
    // A copy of the file is never in the place of another one.
    await expect(move(sides, 'postgres', { now: NOW + 1 })).resolves.toMatchObject({ backup: undefined });
    expect(existsSync(again.backup!)).toBe(true);
  });

  test('that was killed is finished by the next one: nothing is lost, and nothing doubled', async () => {
    const { database: sqlite, state, dir } = await openSqlite();
    await fill(state);
    for (let index = 0; index < 120; index++) await enqueue(state, `r${index}`);
    for (const claimed of await claimAll(state, NOW, { limit: 40 })) await deliver(state, claimed);
    const before = await everything(sqliteTransfer(sqlite));
    await sqlite.close();
    const url = stage.cluster.url(place.name);
    const run = async (to: string, killAfterMs?: number) => {
      const child = spawn(process.execPath, [PROCESS, dir, url, to], { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(child, 'exit');
      await Promise.race([once(child.stdout, 'data'), ended]);
      const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
      const [code] = await ended;
      clearTimeout(timer);
      return code as number | null;
    };
    for (const to of ['postgres', 'sqlite']) {
      let kills = 0;
      for (const ms of [5, 60, 150, 300, 500]) if ((await run(to, ms)) === null) kills++;
      expect(kills).toBeGreaterThan(0);
      expect(await run(to)).toBe(0);
    }
    const again = await openDatabase(dir);
    try {
      const own = await everything(sqliteTransfer(again));
      expect(own.recordings).toEqual(before.recordings);
      expect(own.beside).toEqual(before.beside);
    } finally {
      await again.close();
    }
  });
});

/** How many recordings a copy of a state has. */
async function openDatabaseFile(file: string): Promise<unknown> {
  expect(existsSync(file)).toBe(true);
  const { DatabaseSync } = await import('node:sqlite');
  const sql = new DatabaseSync(file, { readOnly: true });
  try {
    return sql.prepare('SELECT COUNT(*) AS n FROM recordings').get()?.n;
  } finally {
    sql.close();
  }
}
