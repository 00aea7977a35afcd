import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openOutbox } from '../../src/core/delivery/outbox.ts';
import { AppError } from '../../src/core/errors.ts';
import { type Database, openDatabase, openTemporaryDatabase } from '../../src/state/sqlite/database.ts';
import { openLiveness } from '../../src/state/sqlite/liveness.ts';
import { enqueue } from '../core/webhook/support.ts';

let folder: string;
let dir: string;
let opened: Database[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recordupload-database-'));
  dir = folder;
  opened = [];
});
afterEach(() => {
  for (const database of opened) database.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(warnings: string[] = []): Database {
  const database = openDatabase(dir, { warn: message => warnings.push(message) });
  opened.push(database);
  return database;
}
/** Closes it before the end of the test. */
function close(database: Database): void {
  opened = opened.filter(one => one !== database);
  database.close();
}
const file = () => join(dir, 'state.db');
function failureOf(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it succeeded');
}

describe('the state', () => {
  it('is for its owner’s eyes, and leaves no lock behind', () => {
    dir = join(dir, 'new', 'state');
    close(open());
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(dir, 'owners'))).toEqual([]);
  });

  it('is the same for all who open it, and rolls back what fails', () => {
    const [one, other] = [open(), open()];
    enqueue({ outbox: openOutbox(one) }, 3);
    expect(() =>
      other.transaction(() => {
        enqueue({ outbox: openOutbox(other) }, 4);
        throw new Error('the power is gone');
      }),
    ).toThrow('the power is gone');
    expect(
      openOutbox(other)
        .deliveries.list({})
        .map(({ recordingId }) => recordingId),
    ).toEqual(['3']);
  });

  it('in memory takes the same work, and knows that it is not kept', () => {
    const database = openTemporaryDatabase();
    const outbox = openOutbox(database);
    enqueue({ outbox }, 3);
    expect([outbox.isKept, outbox.deliveries.list({}).length]).toEqual([false, 1]);
    database.close();
  });

  it('of a newer version is refused and left as it is', () => {
    const database = open();
    database.sql.exec('PRAGMA user_version = 99');
    close(database);
    expect(failureOf(open)).toMatchObject({ code: 'STATE', message: expect.stringContaining('newer version') });
    expect(readdirSync(dir).filter(name => name.includes('corrupt'))).toEqual([]);
  });

  it('that is locked for longer than a write takes is said to be', () => {
    const database = open();
    database.sql.exec('PRAGMA busy_timeout = 1');
    const other = new DatabaseSync(file());
    other.exec('BEGIN IMMEDIATE');
    expect(failureOf(() => database.transaction(() => {})).message).toContain('another process has kept the state');
    other.close();
  });

  it('that has no room says so, whichever statement met it', () => {
    const { sql } = open();
    sql.exec(`PRAGMA max_page_count = ${Number(sql.prepare('PRAGMA page_count').get()?.page_count)}`);
    const insert = sql.prepare('INSERT INTO endpoints (name) VALUES (?)');
    expect(failureOf(() => insert.run('x'.repeat(100_000)))).toMatchObject({
      code: 'STATE',
      message: `the disk of the state folder ${dir} is full`,
      hint: expect.stringContaining('free some space'),
    });
  });
});

describe('damage', () => {
  it('is set aside only once nobody uses the file any more', () => {
    close(open());
    writeFileSync(file(), 'no database '.repeat(1000));
    const user = openLiveness(dir);
    expect(failureOf(open).message).toContain('is damaged, and another process still uses it');
    user.close();
    const warnings: string[] = [];
    open(warnings);
    expect(warnings).toEqual([expect.stringMatching(/^the state file was damaged: it is kept as .*corrupt-/)]);
  });

  it('that was met in the middle of the work is looked for at the next start, and forgotten where there is none', () => {
    close(open());
    writeFileSync(`${file()}.damaged`, '');
    const warnings: string[] = [];
    open(warnings);
    expect([warnings, existsSync(`${file()}.damaged`)]).toEqual([[], false]);
  });
});
