import { snapshot } from './database.ts';
import { MIGRATIONS } from './migrations.ts';
import { openSql, type Sql } from './sql.ts';

/** Reads a state that an older version wrote. */
export interface OlderState {
  /**
   * What to read from: a copy in memory that is brought up to date, made again after the file has changed; the file itself
   * once another process has brought that up to date.
   * @throws SQLite's error if the file is locked or damaged
   */
  sql(): Sql;
  close(): void;
}

/**
 * Who only reads must not upgrade the file: the folder may be read-only, and an older program may still be at work with it.
 * @param file is open for reading, and closed with this
 */
export function readOlderState(file: Sql): OlderState {
  let copy: { sql: Sql; of: unknown } | undefined;
  const drop = () => {
    copy?.sql.close();
    copy = undefined;
  };
  return {
    sql() {
      const changes = file.get('PRAGMA data_version')?.data_version;
      if (copy && copy.of === changes) return copy.sql;
      drop();
      const version = Number(file.get('PRAGMA user_version')?.user_version);
      if (version >= MIGRATIONS.length) return file;
      const sql = snapshot(file, old => upgradedCopy(old, version));
      copy = { sql, of: changes };
      return sql;
    },
    close() {
      drop();
      file.close();
    },
  };
}

function upgradedCopy(old: Sql, version: number): Sql {
  const sql = openSql(':memory:', { withForeignKeys: false });
  try {
    for (const step of MIGRATIONS.slice(0, version)) sql.exec(step);
    sql.exec('BEGIN');
    const tables = sql.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    for (const { name } of tables) copyTable(old, sql, String(name));
    sql.exec('COMMIT');
    for (const step of MIGRATIONS.slice(version)) sql.exec(step);
    sql.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    return sql;
  } catch (error) {
    sql.close();
    throw error;
  }
}

function copyTable(old: Sql, sql: Sql, table: string): void {
  // Without those that are made of others.
  const columns = sql.all(`PRAGMA table_info("${table}")`).map(({ name }) => String(name));
  const names = columns.map(name => `"${name}"`).join(', ');
  const insert = `INSERT INTO "${table}" (${names}) VALUES (${columns.map(name => `$${name}`).join(', ')})`;
  for (const row of old.all(`SELECT ${names} FROM "${table}"`)) sql.run(insert, row);
}
