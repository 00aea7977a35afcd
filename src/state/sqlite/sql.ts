import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';

/** As much of SQLite as the stores use; every failure of it is an AppError `STATE`. */
export interface Sql {
  prepare(text: string): Statement;
  exec(text: string): void;
  readonly isTransaction: boolean;
  close(): void;
}

/** Values for `?`, or one object for `$name`. */
type Values = SQLInputValue[] | [Record<string, SQLInputValue>];
export type Row = Record<string, SQLOutputValue>;

export interface Statement {
  run(...values: Values): { changes: number | bigint };
  get(...values: Values): Row | undefined;
  all(...values: Values): Row[];
}

/** How long a write waits for another process's transaction; those last milliseconds. */
const BUSY_TIMEOUT_MS = 30_000;

/**
 * Opens a database file, or `:memory:`.
 * @param translate makes what SQLite throws into what is thrown on
 */
export function openSql(file: string, translate: (error: unknown) => unknown): Sql {
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw translate(error);
    }
  };
  const database = attempt(() => new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS }));
  return {
    prepare(text) {
      const statement = attempt(() => database.prepare(text));
      return {
        run: (...values) => attempt(() => statement.run(...(values as SQLInputValue[]))),
        get: (...values) => attempt(() => statement.get(...(values as SQLInputValue[]))),
        all: (...values) => attempt(() => statement.all(...(values as SQLInputValue[]))),
      };
    },
    exec: text => attempt(() => database.exec(text)),
    get isTransaction() {
      return database.isTransaction;
    },
    close: () => database.close(),
  };
}
