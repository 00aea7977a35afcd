import type { Sql } from './sql.ts';

export type Row = Record<string, string | number | null>;
type Value = string | number | null;

/** Statements by their text, each prepared once. */
export interface Statements {
  run(text: string, ...values: Value[]): void;
  get(text: string, ...values: Value[]): Row | undefined;
  all(text: string, ...values: Value[]): Row[];
}

export function openStatements(sql: Sql): Statements {
  const prepared = new Map<string, ReturnType<Sql['prepare']>>();
  const statement = (text: string) => {
    const known = prepared.get(text) ?? sql.prepare(text);
    prepared.set(text, known);
    return known;
  };
  return {
    run: (text, ...values) => void statement(text).run(...values),
    get: (text, ...values) => statement(text).get(...values) as Row | undefined,
    all: (text, ...values) => statement(text).all(...values) as Row[],
  };
}
