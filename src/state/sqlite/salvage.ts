import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { StateDamage } from '../../core/status/overview.ts';
import { mendHeader } from './mend-header.ts';
import { MIGRATIONS } from './migrations.ts';
import { soundValue } from './sound-values.ts';
import { openSql, type Sql } from './sql.ts';

/** What could be read of a damaged file. */
export interface Salvaged {
  /** In memory, with the newest schema. */
  sql: Sql;
  damage: Pick<StateDamage, 'unreadable'>;
}

/** A column of a table. */
interface Column {
  name: string;
  type: string;
  isRequired: boolean;
  /** In a row with all columns. By place, because damage may have changed their names. */
  index: number;
}

type Found = 'all' | 'some' | 'none';

/** How often a scan tries to go on behind a row that cannot be read; each time it skips twice as many. */
const MOST_SKIPS = 24;

/**
 * Reads what can be read of a damaged `state.db` into a database in memory. It works on a copy, in which header and schema
 * can be mended, and needs none of its indexes. Rows on both sides of a damaged page are found.
 * @throws what the system or SQLite throws if there is no place for the copy, or nothing can be read
 */
export function salvage(file: string): Salvaged {
  const folder = mkdtempSync(join(tmpdir(), 'recordupload-state-'));
  try {
    const copy = join(folder, 'state.db');
    for (const suffix of ['', '-wal']) if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
    mendHeader(copy);
    const damaged = new DatabaseSync(copy, { enableForeignKeyConstraints: false, defensive: false });
    try {
      return copyTables(damaged);
    } finally {
      damaged.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function copyTables(damaged: DatabaseSync): Salvaged {
  // Without the defensive flag, entries of the schema that make no sense are left out, in place of being an error for all.
  damaged.exec('PRAGMA writable_schema = ON');
  const version = versionOf(damaged);
  const sql = openSql(':memory:', { withForeignKeys: false });
  for (const step of MIGRATIONS.slice(0, version)) sql.exec(step);
  const names = sql.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
  const found = names.map(row => ({ table: String(row.name), found: copyTable(damaged, sql, String(row.name)) }));
  if (found.every(one => one.found === 'none')) throw new Error('no table can be read');
  for (const step of MIGRATIONS.slice(version)) sql.exec(step);
  sql.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  const unreadable = found.flatMap(({ table, found }) => (found === 'all' ? [] : [{ table, all: found === 'none' }]));
  return { sql, damage: { unreadable } };
}

/** The version of the schema; the newest if the file says one that makes no sense. */
function versionOf(damaged: DatabaseSync): number {
  const version = Number(damaged.prepare('PRAGMA user_version').get()?.user_version);
  return version >= 1 && version <= MIGRATIONS.length ? version : MIGRATIONS.length;
}

function copyTable(damaged: DatabaseSync, sql: Sql, table: string): Found {
  const { columns, width } = columnsOf(sql, table);
  const rowids = !/\bWITHOUT ROWID\b/i.test(
    String(sql.get('SELECT sql FROM sqlite_schema WHERE name = $table', { table })?.sql),
  );
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  const places = columns.map((_, index) => `$c${index}`).join(', ');
  const insert = `INSERT OR IGNORE INTO "${table}" (${names}) VALUES (${places})`;
  let isWhole = true;
  let count = 0;
  const take = (row: unknown[]) => {
    count++;
    const values = columns.map(column => soundValue(row[column.index], { table, ...column }));
    if (row.length !== width || values.some(value => !value.isSound)) isWhole = false;
    sql.run(insert, Object.fromEntries(values.map(({ value }, index) => [`c${index}`, value as SQLInputValue])));
  };
  const scans = rowids
    ? [
        () => scanByNumber(damaged, table, take),
        () => scan(damaged, `SELECT * FROM "${table}" NOT INDEXED ORDER BY rowid DESC`, take),
      ]
    : ['ASC', 'DESC'].map(
        order => () => scan(damaged, `SELECT * FROM "${table}" ORDER BY ${keyOf(sql, table, order)}`, take),
      );
  for (const run of scans) {
    if (run()) return isWhole ? 'all' : 'some';
    isWhole = false;
  }
  return count > 0 ? 'some' : 'none';
}

/** The columns that are stored, and how many there are with those that are made of others. */
function columnsOf(sql: Sql, table: string): { columns: Column[]; width: number } {
  const all = sql.all(`PRAGMA table_xinfo("${table}")`).map((row, index) => ({
    name: String(row.name),
    type: String(row.type),
    isRequired: row.notnull === 1 || row.pk !== 0,
    index,
    isStored: row.hidden === 0,
  }));
  return { columns: all.filter(({ isStored }) => isStored), width: all.length };
}

function keyOf(sql: Sql, table: string, order: string): string {
  const key = sql.all(`PRAGMA table_info("${table}")`).filter(row => Number(row.pk) > 0);
  return key
    .sort((a, b) => Number(a.pk) - Number(b.pk))
    .map(row => `"${String(row.name)}" ${order}`)
    .join(', ');
}

/** @returns false if it met damage before the end */
function scan(damaged: DatabaseSync, text: string, take: (row: unknown[]) => void): boolean {
  try {
    for (const row of rowsOf(damaged.prepare(text))) take(row);
    return true;
  } catch {
    return false;
  }
}

/** The same by row numbers, which go on behind what cannot be read. */
function scanByNumber(damaged: DatabaseSync, table: string, take: (row: unknown[]) => void): boolean {
  let last = Number.MIN_SAFE_INTEGER;
  let skip = 1;
  let isWhole = true;
  const goOn = (row: unknown[]) => {
    last = Number(row[0]);
    skip = 1;
    take(row.slice(1));
  };
  for (let skips = 0; skips <= MOST_SKIPS; skips++) {
    try {
      const text = `SELECT rowid, * FROM "${table}" NOT INDEXED WHERE rowid > ? ORDER BY rowid`;
      for (const row of rowsOf(damaged.prepare(text), last)) goOn(row);
      return isWhole;
    } catch {
      isWhole = false;
      last = Math.max(last, 0) + skip;
      skip *= 2;
    }
  }
  return false;
}

/** Rows as lists; numbers as bigints, because a damaged one may be beyond what a number holds. */
function rowsOf(statement: StatementSync, ...values: SQLInputValue[]): Iterable<unknown[]> {
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return statement.iterate(...values) as Iterable<never>;
}
