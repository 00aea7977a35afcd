import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../../src/state/sqlite/database.ts';
import { openSql } from '../../../src/state/sqlite/sql.ts';
import { diskOf, takeOverSync } from '../../../src/state/sqlite/wal-sync.ts';
import { afterTest, tempFolder } from './support.ts';

/** A connection to a state's database, and a disk that finishes a sync when it is told to. */
async function stage() {
  const dir = tempFolder();
  const keeper = await openDatabase(dir);
  const file = join(dir, 'state.db');
  const sql = openSql(file);
  sql.get('SELECT 1 FROM sqlite_schema');
  const asked: { path: string; end(error?: Error): void }[] = [];
  const ask = (fd: number) =>
    new Promise<void>((resolve, reject) => {
      const end = (error?: Error) => (error ? reject(error) : resolve());
      asked.push({ path: readlinkSync(`/proc/self/fd/${fd}`), end });
    });
  const wal = takeOverSync(sql, { syncFile: ask, syncFolder: ask });
  if (!wal) throw new Error('the log cannot be opened');
  afterTest(async () => {
    wal.close();
    sql.close();
    await keeper.close();
  });
  return { dir, file, sql, wal, asked };
}

describe('the sync of the write-ahead log', () => {
  test('takes over what SQLite would sync after each commit', async () => {
    const { sql } = await stage();
    expect(sql.get('PRAGMA synchronous')?.synchronous).toBe(1);
  });

  test('syncs the log, and the first time the folder that names it', async () => {
    const { wal, asked, dir, file } = await stage();
    let isDone = false;
    const first = wal.sync().then(() => {
      isDone = true;
    });
    expect(asked.map(({ path }) => path)).toEqual([dir, `${file}-wal`]);
    asked[1]?.end();
    await new Promise(resolve => setImmediate(resolve));
    expect(isDone).toBe(false);
    asked[0]?.end();
    await first;
    const second = wal.sync();
    expect(asked.slice(2).map(({ path }) => path)).toEqual([`${file}-wal`]);
    asked[2]?.end();
    await second;
  });

  test('asks Windows for no sync of a folder: it would refuse', async () => {
    const neverOpened = 2 ** 31 - 1;
    await expect(diskOf('linux').syncFolder(neverOpened)).rejects.toMatchObject({ code: 'EBADF' });
    await diskOf('win32').syncFolder(neverOpened);
  });

  test('never counts a sync that began before the commit', async () => {
    const { wal, asked } = await stage();
    const logs = () => asked.filter(({ path }) => path.endsWith('-wal'));
    const ended: number[] = [];
    const syncs = [1, 2, 3, 4].map(number => wal.sync().then(() => ended.push(number)));
    asked[0]?.end();
    // Two at once; the others share a third one, which begins when one of the two has ended.
    expect(logs()).toHaveLength(2);
    logs()[1]?.end();
    await syncs[1];
    await new Promise(resolve => setImmediate(resolve));
    expect([ended, logs().length]).toEqual([[2], 3]);
    logs()[2]?.end();
    await Promise.all([syncs[2], syncs[3]]);
    expect(ended).toEqual([2, 3, 4]);
    logs()[0]?.end();
    await syncs[0];
  });

  test('trusts no later success once one has failed', async () => {
    const { wal, asked } = await stage();
    const failing = wal.sync();
    for (const { end } of asked) end(new Error('EIO: i/o error, fdatasync'));
    await expect(failing).rejects.toThrow('EIO');
    const asks = asked.length;
    await expect(wal.sync()).rejects.toThrow('EIO');
    expect(asked).toHaveLength(asks);
  });

  test('is left to SQLite where the log cannot be opened', async () => {
    const sql = openSql(join(tempFolder(), 'none.db'));
    afterTest(() => sql.close());
    expect(takeOverSync(sql)).toBeUndefined();
    expect(sql.get('PRAGMA synchronous')?.synchronous).toBe(2);
  });
});
