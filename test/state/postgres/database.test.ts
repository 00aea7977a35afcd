import { afterEach, describe, expect, test } from '@jest/globals';
import { type Database, openDatabase, openDatabaseToRead } from '../../../src/state/postgres/database.ts';
import { SCHEMA_VERSION } from '../../../src/state/postgres/migrations.ts';
import { failureOf } from '../sqlite/support.ts';
import { type LossyProxy, startLossyProxy } from './lossy-proxy.ts';
import { describeWithPostgres, useCluster, useDatabase } from './support.ts';

describeWithPostgres('the database of a fleet', () => {
  const stage = useCluster();
  const place = useDatabase(stage);
  const { open, opened, optionsOf } = place;
  const note = ({ write }: Database, thing: string) =>
    write(async sql => {
      await sql.run('INSERT INTO successes (name, at) VALUES ($thing, 1)', { thing });
    });
  const noted = ({ read }: Database) =>
    read(async sql => (await sql.all('SELECT name FROM successes ORDER BY name')).map(row => row.name));
  const livingIn = (database: Database) =>
    database.read(async sql => [...(await database.liveness.living(sql)).keys()]);
  const own = (database: Database) => database.writeAsOwner(async (_, owner) => owner);
  /** Ends every session of the database, as an administrator may. */
  const cutOff = () =>
    stage.cluster.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${place.name}'`);

  describe('the schema', () => {
    test('is made once, however many processes want to at the same time', async () => {
      const databases = await Promise.all(Array.from({ length: 8 }, (_, index) => open(`studio-${index}`)));
      await Promise.all(databases.map((database, index) => note(database, String(index))));
      expect(await noted(databases[0]!)).toHaveLength(8);
    });

    test('is not made by what only reads', async () => {
      expect(await openDatabaseToRead(optionsOf('studio-a', 'a'))).toBeUndefined();
      await note(await open(), 'x');
      const reader = await openDatabaseToRead(optionsOf('studio-a', 'a'));
      opened.push(reader!);
      expect(await noted(reader!)).toEqual(['x']);
    });

    test('of a newer version is left alone', async () => {
      await note(await open(), 'x');
      const newer = SCHEMA_VERSION + 1;
      await stage.cluster.run(`UPDATE recordupload.schema_version SET version = ${newer}`, place.name);
      for (const opening of [open(), openDatabaseToRead(optionsOf('studio-a', 'a'))]) {
        const { code, message } = await failureOf(opening);
        expect([code, message]).toEqual([
          'STATE',
          expect.stringContaining('upgraded by a newer version of recordupload'),
        ]);
      }
      const kept = await stage.cluster.run('SELECT version FROM recordupload.schema_version', place.name);
      expect(kept).toEqual([{ version: newer }]);
    });
  });

  test('settings of the database that are meant for people do not end what the program waits for', async () => {
    const settings = {
      lock_timeout: '1ms',
      idle_session_timeout: '50ms',
      statement_timeout: '1ms',
      DateStyle: 'German',
    };
    for (const [name, value] of Object.entries(settings))
      await stage.cluster.run(`ALTER DATABASE ${place.name} SET ${name} = '${value}'`);
    const [one, two] = [await open('studio-a'), await open('studio-b')];
    const owner = await own(one);
    // The second one waits for a row of the first one's.
    await note(one, 'row');
    let waiting: Promise<unknown> | undefined;
    await one.write(async sql => {
      await sql.run(`UPDATE machines SET version = '2' WHERE name = 'studio-a'`);
      waiting = two.write(other => other.run(`UPDATE machines SET version = '3' WHERE name = 'studio-a'`));
      for (;;) {
        const [held] = await stage.cluster.run('SELECT count(*)::int AS count FROM pg_locks WHERE NOT granted');
        if (held?.count) break;
      }
      // Its own session idles meanwhile.
      await sql.run('SELECT pg_sleep(0.2)');
    });
    await waiting;
    expect(await one.single(sql => sql.get('SELECT version FROM machines'))).toEqual({ version: '3' });
    expect(await own(one)).toBe(owner);
  });

  test('a write is stored in full or not at all', async () => {
    const database = await open();
    const failing = database.write(async sql => {
      await sql.run(`INSERT INTO successes (name, at) VALUES ('a', 1)`);
      throw new Error('a bug');
    });
    await expect(failing).rejects.toThrow('a bug');
    expect(await noted(database)).toEqual([]);
  });

  test('a failed statement that nobody minded does not make a lost write look stored', async () => {
    const database = await open();
    const careless = database.write(async sql => {
      await sql.run(`INSERT INTO successes (name, at) VALUES ('a', 1)`);
      await sql.run('SELECT 1 / 0').catch(() => {});
    });
    await expect(careless).rejects.toThrow('the transaction ended with ROLLBACK');
    expect(await noted(database)).toEqual([]);
  });

  test('writes that lock each other out are tried again, and none is lost', async () => {
    const database = await open();
    await note(database, 'a');
    await note(database, 'b');
    const bump = (first: string, second: string) =>
      database.write(async sql => {
        for (const thing of [first, second]) {
          await sql.run('UPDATE successes SET at = at + 1 WHERE name = $thing', { thing });
          await sql.run('SELECT pg_sleep(0.01)');
        }
      });
    await Promise.all([bump('a', 'b'), bump('b', 'a'), bump('a', 'b'), bump('b', 'a')]);
    const rows = await database.read(sql => sql.all('SELECT at FROM successes'));
    expect(rows).toEqual([{ at: 5 }, { at: 5 }]);
  });

  test('numbers are numbers, truth values 1 and 0, and a NUL that PostgreSQL does not keep is replaced', async () => {
    const { read } = await open();
    const row = await read(sql =>
      sql.get(
        `SELECT 9007199254740991::bigint AS big, COUNT(*) AS n, SUM(1::bigint) AS sum, 2.5::float8 AS real,
        true AS yes, $text::text AS text, $text = 'x' AS same, $nothing::text AS nothing`,
        { text: 'a\0b', nothing: null },
      ),
    );
    expect(row).toEqual({
      big: Number.MAX_SAFE_INTEGER,
      n: 1,
      sum: 1,
      real: 2.5,
      yes: 1,
      text: 'a\ufffdb',
      same: 0,
      nothing: null,
    });
  });

  describe('a process', () => {
    test('is an owner as long as its session lives', async () => {
      const [one, other] = [await open(), await open()];
      const ids = [await own(one), await own(other)];
      expect((await livingIn(one)).sort()).toEqual(ids.sort());
      await other.close();
      expect(await livingIn(one)).toEqual([one.liveness.current()]);
    });

    test('whose session was cut off goes on as another owner, with the claims that nobody took', async () => {
      const [one, other] = [await open(), await open()];
      const before = await own(one);
      await one.write(async sql => {
        for (const id of ['1', '2'])
          await sql.run(
            `INSERT INTO recordings (target, id, machine, dir, details, state, created_at, updated_at, claimed_by)
             VALUES ('t', $id, 'studio-a', '/r', '{}', 'uploading', 1, 1, $before)`,
            { id, before },
          );
      });
      await cutOff();
      const taker = await own(other);
      expect(await livingIn(other)).toEqual([taker]);
      expect(await other.read(sql => other.liveness.dead(sql))).toEqual([before]);
      await other.write(sql => sql.run(`UPDATE recordings SET claimed_by = $taker WHERE id = '2'`, { taker }));
      const after = await own(one);
      expect(after).not.toBe(before);
      const rows = await other.read(sql => sql.all('SELECT claimed_by FROM recordings ORDER BY id'));
      expect(rows).toEqual([{ claimed_by: after }, { claimed_by: taker }]);
      expect(await other.read(sql => other.liveness.dead(sql))).toEqual([]);
    });

    test('of another machine with the same name is refused while one of the first lives', async () => {
      const [one, two] = [await open('studio-a', 'first'), await open('studio-a', 'second')];
      await own(one);
      const { code, message, hint } = await failureOf(own(two));
      expect([code, message]).toEqual([
        'CONFIG',
        'another machine of the fleet is called studio-a, too, and is at work',
      ]);
      expect(hint).toContain('RECORDUPLOAD_MACHINE');
      await one.close();
      expect(await own(two)).toBe(two.liveness.current());
    });

    test('by its host’s name is refused also while the first is not at work, until the name is configured', async () => {
      const [first, second] = [`${'1'.repeat(32)}aa`, `${'2'.repeat(32)}bb`];
      const one = await open('recorder', first, { isHostName: true });
      await own(one);
      await one.close();
      const again = await open('recorder', first, { isHostName: true });
      await own(again);
      await again.close();
      const { code, message, hint } = await failureOf(own(await open('recorder', second, { isHostName: true })));
      expect([code, message]).toEqual([
        'CONFIG',
        expect.stringMatching(/^another machine of the fleet is called recorder, too, and was at work .* ago$/),
      ]);
      expect(hint).toContain('"machine: recorder" says so');
      const warnings: string[] = [];
      const warn = (text: string) => warnings.push(text);
      await own(await open('recorder', second, { warn }));
      expect(warnings).toEqual([expect.stringContaining('another machine was called recorder until')]);
    });

    test('in a container, which has no machine id, may have another host name at each start', async () => {
      const warn = (text: string) => expect(text).toBe('');
      const one = await open('box', 'a'.repeat(32), { warn });
      await own(one);
      await one.close();
      const two = await open('box', 'b'.repeat(32), { warn });
      expect(await own(two)).toBe(two.liveness.current());
    });

    test('that an older version has noted is the same one', async () => {
      const one = await open('studio-a', 'c'.repeat(32), { isHostName: true });
      await own(one);
      await one.close();
      await own(await open('studio-a', `${'c'.repeat(32)}dd`, { isHostName: true }));
    });
  });

  describe('a connection that breaks', () => {
    const through = async () => {
      const proxy = await startLossyProxy(stage.cluster.port);
      const options = optionsOf('studio-a', 'studio-a');
      const url = { ...options.url, hosts: [{ host: '127.0.0.1', port: proxy.port }] };
      const database = await openDatabase({ ...options, url });
      opened.push(database);
      proxies.push(proxy);
      return { proxy, database };
    };
    const proxies: LossyProxy[] = [];
    afterEach(async () => {
      for (const proxy of proxies.splice(0)) await proxy.close();
    });
    /** A write that must not be made twice, and how often it ran. */
    const count = (database: Database) =>
      database.write(async sql => {
        await sql.run(
          `INSERT INTO successes AS known (name, at) VALUES ('count', 1) ON CONFLICT (name) DO UPDATE SET at = known.at + 1`,
        );
      });
    const counted = async ({ read }: Database) => (await read(sql => sql.get('SELECT at FROM successes')))?.at;

    // A whole message: `READ COMMITTED` is none.
    const COMMIT = 'COMMIT\0';

    test.each([
      ['before the server has the COMMIT', COMMIT, 'before'],
      ['with the answer to the COMMIT', COMMIT, 'after'],
      ['in the middle of the transaction', 'INSERT', 'after'],
      ['before the transaction', 'BEGIN', 'before'],
    ] as const)('%s: the write is stored once', async (_, word, moment) => {
      const { proxy, database } = await through();
      await count(database);
      proxy.breakAt(word, moment);
      await count(database);
      expect(await counted(database)).toBe(2);
    });

    test('and says nothing: closing does not wait until somebody finds out', async () => {
      const { proxy, database } = await through();
      await own(database);
      proxy.cutCable();
      await database.close();
    });

    test('for good with the answer to the COMMIT: the write is no success, whatever came of it', async () => {
      const { proxy, database } = await through();
      await count(database);
      proxy.breakAt(COMMIT, 'after', { forEver: true });
      const { code, message } = await failureOf(count(database));
      expect([code, message]).toEqual(['STATE', expect.stringContaining('cannot be reached')]);
      expect(await counted(await open())).toBe(2);
    });
  });

  test('work goes on after the server was restarted', async () => {
    const database = await open();
    const before = await own(database);
    await note(database, 'a');
    await stage.cluster.stop();
    const { code, message } = await failureOf(note(database, 'b'));
    expect([code, message]).toEqual([
      'STATE',
      expect.stringMatching(/^the state's database at 127\.0\.0\.1:\d+\/state_\d+ cannot be reached/),
    ]);
    await stage.cluster.start();
    await note(database, 'c');
    expect(await noted(database)).toEqual(['a', 'c']);
    expect(await own(database)).not.toBe(before);
  });
});
