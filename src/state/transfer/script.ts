/*
 * Statements that both databases understand, written once. SQLite runs a transaction without leaving the thread, and
 * PostgreSQL answers later; so what reads and writes is a generator that asks for one statement after the other, and the
 * database decides how it waits.
 */

/** Values for `$name` in a statement. */
export type Values = Record<string, string | number | null>;
export type Row = Record<string, string | number | null>;

interface Step {
  how: 'run' | 'get' | 'all';
  text: string;
  values: Values;
}

/** Work within one transaction. */
export type Script<T> = Generator<Step, T, unknown>;

/** A connection that answers at once. */
interface SyncSql {
  run(text: string, values?: Values): number;
  get(text: string, values?: Values): Record<string, unknown> | undefined;
  all(text: string, values?: Values): Record<string, unknown>[];
}

/** A connection that answers later. */
interface AsyncSql {
  run(text: string, values?: Values): Promise<number>;
  get(text: string, values?: Values): Promise<Row | undefined>;
  all(text: string, values?: Values): Promise<Row[]>;
}

/** @returns how many rows it changed */
export function* run(text: string, values: Values = {}): Script<number> {
  return (yield { how: 'run', text, values }) as number;
}

export function* get(text: string, values: Values = {}): Script<Row | undefined> {
  return (yield { how: 'get', text, values }) as Row | undefined;
}

export function* all(text: string, values: Values = {}): Script<Row[]> {
  return (yield { how: 'all', text, values }) as Row[];
}

export function runNow<T>(sql: SyncSql, script: Script<T>): T {
  let next = script.next();
  while (!next.done) {
    const { how, text, values } = next.value;
    next = script.next(sql[how](text, values));
  }
  return next.value;
}

export async function runLater<T>(sql: AsyncSql, script: Script<T>): Promise<T> {
  let next = script.next();
  while (!next.done) {
    const { how, text, values } = next.value;
    next = script.next(await sql[how](text, values));
  }
  return next.value;
}
