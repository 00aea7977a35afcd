import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';

/** Values for `$name` in a statement. */
export type Values = Record<string, SQLInputValue>;
export type Row = Record<string, SQLOutputValue>;

/** One connection to a SQLite file. Each statement is prepared once; what SQLite throws comes through as it is. */
export interface Sql {
  /** @returns how many rows it changed */
  run(text: string, values?: Values): number;
  get(text: string, values?: Values): Row | undefined;
  all(text: string, values?: Values): Row[];
  /** Several statements at once, without values; not kept. */
  exec(text: string): void;
  readonly isTransaction: boolean;
  close(): void;
}

/**
 * Opens a database file, or `:memory:`. SQLite never waits for a lock on this connection: its own wait would stop the
 * event loop. What meets a lock throws `SQLITE_BUSY` and is tried again by `untilUnlocked`.
 */
export function openSql(
  file: string | URL,
  { readOnly = false, withForeignKeys = true }: { readOnly?: boolean; withForeignKeys?: boolean } = {},
): Sql {
  const database = new DatabaseSync(file, { readOnly, enableForeignKeyConstraints: withForeignKeys, timeout: 0 });
  const statements = new Map<string, StatementSync>();
  const statement = (text: string): StatementSync => {
    const known = statements.get(text);
    if (known) return known;
    const prepared = database.prepare(text);
    statements.set(text, prepared);
    return prepared;
  };
  return {
    run: (text, values = {}) => Number(statement(text).run(values).changes),
    get: (text, values = {}) => statement(text).get(values),
    all: (text, values = {}) => statement(text).all(values),
    exec: text => database.exec(text),
    get isTransaction() {
      return database.isTransaction;
    },
    close: () => database.close(),
  };
}

/** Never throws: the caller reports what made it necessary, and a transaction that is not committed is void anyway. */
export function rollBack(sql: Sql): void {
  try {
    if (sql.isTransaction) sql.exec('ROLLBACK');
  } catch {}
}
