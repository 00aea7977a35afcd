/** Values for `$name` in a statement. */
export type Values = Record<string, string | number | null>;
/** Whole numbers and sums are numbers, truth values 1 and 0, as SQLite has them. */
export type Row = Record<string, string | number | null>;

/** Statements of one transaction, one after the other; what PostgreSQL throws comes through as it is. */
export interface Sql {
  /** @returns how many rows it changed */
  run(text: string, values?: Values): Promise<number>;
  get(text: string, values?: Values): Promise<Row | undefined>;
  all(text: string, values?: Values): Promise<Row[]>;
}

/** A statement as the client takes it. */
export interface Statement {
  /** Under which the server keeps it prepared; undefined: it is not kept. */
  name?: string;
  text: string;
  values: (string | number | null)[];
}

interface Numbered {
  name: string;
  text: string;
  names: readonly string[];
}

/** Statements by their text with `$name`. There are as many as the program has. */
const numbered = new Map<string, Numbered>();

/**
 * Statements over a connection.
 * @param query sends one
 * @param options.isPrepared the connection has a server process of its own, which keeps prepared statements
 */
export function sqlOver(
  query: (statement: Statement) => Promise<{ rows: Row[]; rowCount: number | null }>,
  { isPrepared }: { isPrepared: boolean },
): Sql {
  // The client takes one statement at a time.
  let last: Promise<unknown> = Promise.resolve();
  const send = (text: string, values: Values = {}) => {
    const { name, names, text: sent } = numberedText(text);
    const statement = {
      ...(isPrepared && { name }),
      text: sent,
      values: names.map(one => namedValue(text, values, one)),
    };
    const result = last.then(() => query(statement));
    last = result.catch(() => {});
    return result;
  };
  return {
    run: async (text, values) => (await send(text, values)).rowCount ?? 0,
    get: async (text, values) => (await send(text, values)).rows[0],
    all: async (text, values) => (await send(text, values)).rows,
  };
}

function namedValue(text: string, values: Values, name: string): string | number | null {
  const value = values[name];
  if (value === undefined) throw new Error(`no value for $${name} in: ${text}`);
  // PostgreSQL has no text with NUL; no text of ours needs one.
  return typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value;
}

function numberedText(text: string): Numbered {
  const known = numbered.get(text);
  if (known) return known;
  const names: string[] = [];
  const sent = text.replace(/\$([a-z]\w*)/gi, (_, name: string) => {
    const index = names.indexOf(name);
    return `$${index < 0 ? names.push(name) : index + 1}`;
  });
  const made = { name: `recordupload-${numbered.size}`, text: sent, names };
  numbered.set(text, made);
  return made;
}
