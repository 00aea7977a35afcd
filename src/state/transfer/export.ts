import type { KnownBeside, KnownOfRecording } from './known.ts';
import { all, type Row, type Script, type Values } from './script.ts';
import { COLUMNS, columnsOf, type Table } from './tables.ts';

/** What is different between the two databases. */
export interface Dialect {
  /** The machine that this state's folders belong to; undefined: the database knows no machines. */
  machine: string | undefined;
  /** Lets one transaction at a time work at these; SQLite has no more than one anyway. */
  lock?(what: Locked): Script<void>;
  /** Whether the owner of a row's claim lives. */
  isAtWork?(row: Row): Script<boolean>;
  /** Makes a delivery due now, by the clock of the database. */
  dueNow?(seq: number): Script<void>;
}

/** What one transaction at a time may work at. */
export interface Locked {
  recordingId: string;
  targets: readonly string[];
  endpoints: readonly string[];
}

export function* lock(dialect: Dialect, what: Locked): Script<void> {
  if (dialect.lock) yield* dialect.lock(what);
}

export function* isClaimed(dialect: Dialect, row: Row): Script<boolean> {
  return dialect.isAtWork ? yield* dialect.isAtWork(row) : false;
}

/**
 * Ids of what the machine's state knows, in their order; what belongs to no machine, as deliveries of a recording that was
 * forgotten, is among them.
 * @param after the last one of the page before
 */
export function* recordingIds({ machine }: Dialect, after: string, limit: number): Script<string[]> {
  const mine = machine === undefined ? '' : ' AND machine = $machine';
  // What another machine has is not ours, and neither are its deliveries.
  const noOnes =
    machine === undefined ? '' : ' AND NOT EXISTS (SELECT 1 FROM recordings WHERE recordings.id = one.recording_id)';
  const rows = yield* all(
    `SELECT id FROM (
       SELECT id FROM recordings WHERE id > $after${mine}
       UNION SELECT recording_id AS id FROM deliveries AS one WHERE recording_id > $after${noOnes}
       UNION SELECT recording_id AS id FROM pruned_deliveries AS one WHERE recording_id > $after${noOnes}
     ) AS known ORDER BY id LIMIT $limit`,
    { after, limit, ...(machine !== undefined && { machine }) },
  );
  return rows.map(({ id }) => String(id));
}

/** All of one recording. */
export function* readRecording(id: string): Script<KnownOfRecording> {
  const of = function* (table: Table, order: string): Script<Row[]> {
    const rows = yield* all(`SELECT ${columnsOf(table)} FROM ${table} WHERE recording_id = $id ORDER BY ${order}`, {
      id,
    });
    return rows.map(row => only(table, row));
  };
  const recordings = yield* all(`SELECT ${columnsOf('recordings')} FROM recordings WHERE id = $id ORDER BY target`, {
    id,
  });
  // `0` follows `/`.
  const begun = yield* all(
    `SELECT ${columnsOf('begun_uploads')} FROM begun_uploads WHERE key > $from AND key < $to ORDER BY target, upload_id`,
    { from: `${id}/`, to: `${id}0` },
  );
  const deliveries: KnownOfRecording['deliveries'] = [];
  const rows = yield* all(
    `SELECT seq, ${columnsOf('deliveries')} FROM deliveries WHERE recording_id = $id ORDER BY seq`,
    {
      id,
    },
  );
  for (const row of rows) {
    const attempts = yield* all(`SELECT ${columnsOf('attempts')} FROM attempts WHERE delivery = $seq ORDER BY number`, {
      seq: row.seq ?? null,
    });
    deliveries.push({ row: only('deliveries', row), attempts: attempts.map(one => only('attempts', one)) });
  }
  return {
    recordingId: id,
    recordings: recordings.map(row => only('recordings', row)),
    files: yield* of('files', 'target, name'),
    multipart_uploads: yield* of('multipart_uploads', 'target, name'),
    parts: yield* of('parts', 'target, name, number'),
    begun_uploads: begun.map(row => only('begun_uploads', row)),
    pruned_deliveries: yield* of('pruned_deliveries', 'endpoint'),
    deliveries,
  };
}

/** What is known beside recordings; of the machine, where the database knows several. */
export function* readBeside({ machine }: Dialect): Script<KnownBeside> {
  const of = function* (table: Table, order: string, { isMachines = false } = {}): Script<Row[]> {
    const where = isMachines && machine !== undefined ? ' WHERE machine = $machine' : '';
    const values: Values = where ? { machine: machine ?? null } : {};
    // PostgreSQL counts in several rows.
    const from = table === 'totals' && machine !== undefined ? 'all_totals' : table;
    const rows = yield* all(`SELECT ${columnsOf(table)} FROM ${from}${where} ORDER BY ${order}`, values);
    return rows.map(row => only(table, row));
  };
  return {
    queue: yield* of('queue', 'dir', { isMachines: true }),
    begun_uploads: yield* of('begun_uploads', 'target, upload_id', { isMachines: true }),
    endpoints: yield* of('endpoints', 'name'),
    totals: yield* of('totals', 'name, labels'),
    successes: yield* of('successes', 'name'),
    alert_causes: yield* of('alert_causes', 'target, key'),
    alert_messages: yield* of('alert_messages', 'id'),
  };
}

/** The columns that both databases have, in one order, so that rows can be compared. */
function only(table: Table, row: Row): Row {
  return Object.fromEntries(COLUMNS[table].map(name => [name, row[name] ?? null]));
}
