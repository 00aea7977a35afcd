import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../../src/state/sqlite/database.ts';
import { createGroupCommit } from '../../../src/state/sqlite/group-commit.ts';
import { openSql, type Sql } from '../../../src/state/sqlite/sql.ts';
import { afterTest, tempFolder } from './support.ts';

/** A state's database, a connection to it that counts its commits, and the names that others see in it. */
async function stage(sync?: () => Promise<void>) {
  const dir = tempFolder();
  await (await openDatabase(dir)).close();
  const file = join(dir, 'state.db');
  const sql = openSql(file);
  afterTest(() => sql.close());
  let commits = 0;
  const counting: Sql = {
    ...sql,
    run(text, values) {
      if (text === 'COMMIT') commits++;
      return sql.run(text, values);
    },
    get isTransaction() {
      return sql.isTransaction;
    },
  };
  const names = () => {
    const other = new DatabaseSync(file);
    const rows = other.prepare('SELECT name FROM endpoints ORDER BY name').all();
    other.close();
    return rows.map(row => row.name);
  };
  const { write, drained } = createGroupCommit(counting, { sync });
  const add = (name: string) => write(() => sql.run('INSERT INTO endpoints (name) VALUES ($name)', { name }));
  return { add, write, drained, names, commits: () => commits };
}

describe('writes', () => {
  test('of one turn share a commit, and are durable for others when they resolve', async () => {
    const { add, names, commits } = await stage();
    expect(await Promise.all(['a', 'b', 'c'].map(add))).toEqual([1, 1, 1]);
    expect([commits(), names()]).toEqual([1, ['a', 'b', 'c']]);
    await add('d');
    expect([commits(), names()]).toEqual([2, ['a', 'b', 'c', 'd']]);
  });

  test('that fail do not fail the others of their group', async () => {
    const { add, names } = await stage();
    const results = await Promise.allSettled([add('a'), add('a'), add('b')]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(names()).toEqual(['a', 'b']);
    await add('c');
    expect(names()).toEqual(['a', 'b', 'c']);
  });

  test('that throw leave nothing of theirs', async () => {
    const { add, write, names } = await stage();
    const broken = write(() => {
      void add('later');
      throw new Error('the power is gone');
    });
    await expect(broken).rejects.toThrow('the power is gone');
    await add('a');
    expect(names()).toEqual(['a', 'later']);
  });

  test('that come in while a commit is made are waited for too', async () => {
    const { add, drained, names } = await stage();
    void add('a').then(() => add('b'));
    await drained();
    await drained();
    expect(names()).toEqual(['a', 'b']);
  });

  test('resolve once their sync has ended, and commits go on meanwhile', async () => {
    const syncs: (() => void)[] = [];
    const { add, names, commits, drained } = await stage(() => new Promise(resolve => syncs.push(resolve)));
    const order: string[] = [];
    const first = add('a').then(() => order.push('a'));
    await untilTrue(() => syncs.length === 1);
    const second = add('b').then(() => order.push('b'));
    await untilTrue(() => syncs.length === 2);
    const all = drained().then(() => order.push('drained'));
    expect([order, commits(), names()]).toEqual([[], 2, ['a', 'b']]);
    syncs[1]?.();
    await second;
    expect(order).toEqual(['b']);
    syncs[0]?.();
    await Promise.all([first, all]);
    expect(order).toEqual(['b', 'a', 'drained']);
  });

  test('fail if the disk does not take them in', async () => {
    const { add } = await stage(() => Promise.reject(new Error('the disk is gone')));
    const results = await Promise.allSettled([add('a'), add('b')]);
    expect(results.map(result => result.status === 'rejected' && String(result.reason))).toEqual([
      'Error: the disk is gone',
      'Error: the disk is gone',
    ]);
  });
});

/** Lets the event loop run until something has happened. */
async function untilTrue(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise(resolve => setImmediate(resolve));
}
