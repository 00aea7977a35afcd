import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Database, openDatabase } from '../../src/state/sqlite/database.ts';
import { createGroupCommit } from '../../src/state/sqlite/group-commit.ts';

let dir = '';
let database: Database;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'recordupload-state-'));
  database = openDatabase(dir);
});
afterEach(() => {
  database.close();
  rmSync(dir, { recursive: true, force: true });
});

const add = (name: string) => database.sql.prepare('INSERT INTO endpoints (name) VALUES (?)').run(name);
const names = () => {
  const other = openDatabase(dir);
  try {
    return other.sql
      .prepare('SELECT name FROM endpoints ORDER BY name')
      .all()
      .map(row => row.name);
  } finally {
    other.close();
  }
};

describe('What is written together', () => {
  it('shares one transaction a turn, and is durable for others when it resolves', async () => {
    let transactions = 0;
    const together = createGroupCommit(work => {
      transactions++;
      database.transaction(work);
    });
    const results = await Promise.all(['a', 'b', 'c'].map(name => together(() => add(name).changes)));
    expect([results, transactions, names()]).toEqual([[1, 1, 1], 1, ['a', 'b', 'c']]);
    await together(() => add('d'));
    expect([transactions, names()]).toEqual([2, ['a', 'b', 'c', 'd']]);
  });

  it('fails together: nothing of it is kept, and each is told', async () => {
    const results = await Promise.allSettled([
      database.together(() => add('a')),
      database.together(() => add('a')),
      database.together(() => add('b')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(names()).toEqual([]);
    await database.together(() => add('b'));
    expect(names()).toEqual(['b']);
  });

  it('is a part of a transaction that its work opens', async () => {
    await database.together(() => database.transaction(() => add('a')));
    expect(names()).toEqual(['a']);
  });
});
