import { changeMemory, readMemory, withMemory } from '../token-memory.ts';
import { type Dialect, lock } from './export.ts';
import { addBegun } from './import.ts';
import type { KnownBeside } from './known.ts';
import { get, type Row, run, type Script, type Values } from './script.ts';
import { insertInto } from './tables.ts';

/*
 * Takes in what belongs to no recording: the queue, endpoints, totals, alerts.
 */

/** What was counted in from one source so far. */
interface Brought {
  totals: [name: string, labels: string, count: number, sum: number][];
}

/**
 * Takes in what is known beside recordings, in one transaction; again adds only what was counted since.
 * @param source where it comes from: what it has counted is added once
 */
export function* takeBeside(known: KnownBeside, dialect: Dialect, source: string, now: number): Script<void> {
  yield* lock(dialect, { recordingId: `beside ${source}`, targets: [''], endpoints: [] });
  for (const row of known.queue) yield* addQueued(row, dialect);
  for (const row of known.begun_uploads) yield* addBegun(row, dialect);
  for (const row of known.endpoints) yield* takeEndpoint(row, dialect);
  yield* takeTotals(known.totals, source, now);
  for (const row of known.successes) {
    const { text, values } = insertInto('successes', row);
    yield* run(`${text} ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE excluded.at > successes.at`, values);
  }
  for (const row of known.alert_causes) yield* addUnknown(insertInto('alert_causes', row));
  for (const row of known.alert_messages) {
    const { text, values } = insertInto('alert_messages', row);
    const same = yield* get(
      'SELECT id FROM alert_messages WHERE target = $target AND body = $body AND created_at = $createdAt',
      { target: row.target ?? null, body: row.body ?? null, createdAt: row.created_at ?? null },
    );
    if (!same) yield* run(text, values);
  }
}

/** What holds deliveries here has to be known here, or nothing releases them. */
function* takeEndpoint(row: Row, { machine }: Dialect): Script<void> {
  // Without its tokens, which join those that are known here.
  yield* addUnknown(
    insertInto('endpoints', { ...row, refused_fingerprint: null, refused_salt: null, refused_at: null }),
  );
  const came = readMemory(row);
  if (came.refused.length > 0) yield* changeMemory(String(row.name), here => withMemory(here, came, machine));
}

function* addQueued(row: Row, { machine }: Dialect): Script<void> {
  const own: Values = machine === undefined ? {} : { machine };
  const key = machine === undefined ? 'dir' : 'machine, dir_key';
  const { text, values } = insertInto('queue', row, own);
  yield* run(
    `${text} ON CONFLICT (${key}) DO UPDATE SET
       recording_id = excluded.recording_id, origin = excluded.origin, asked = excluded.asked, state = excluded.state,
       reason = excluded.reason, hint = excluded.hint, asked_at = excluded.asked_at, updated_at = excluded.updated_at,
       next_at = excluded.next_at
     WHERE excluded.updated_at > queue.updated_at OR excluded.asked_at > queue.asked_at`,
    values,
  );
}

/**
 * Takes in what became of a folder of the queue.
 * @param entry undefined: its upload has begun, or is wanted no more
 * @param since what was asked for later stays; milliseconds since 1970
 */
export function* takeFolder(dir: string, entry: Row | undefined, since: number, dialect: Dialect): Script<void> {
  if (entry) return yield* addQueued(entry, dialect);
  const { machine } = dialect;
  const mine = machine === undefined ? '' : ' AND machine = $machine';
  const values: Values = machine === undefined ? { dir, since } : { dir, since, machine };
  yield* run(`DELETE FROM queue WHERE dir = $dir AND asked_at <= $since${mine}`, values);
}

function* addUnknown({ text, values }: ReturnType<typeof insertInto>): Script<void> {
  yield* run(`${text} ON CONFLICT DO NOTHING`, values);
}

/** Adds what the source has counted since it was asked last. */
function* takeTotals(totals: readonly Row[], source: string, now: number): Script<void> {
  const mark = yield* get('SELECT value FROM brought WHERE source = $source', { source });
  const before: Brought = mark ? (JSON.parse(String(mark.value)) as Brought) : { totals: [] };
  const all: Brought['totals'] = totals.map(row => [
    String(row.name),
    String(row.labels),
    Number(row.count),
    Number(row.sum),
  ]);
  for (const [index, [name, labels, count, sum]] of all.entries()) {
    const known = before.totals.find(one => one[0] === name && one[1] === labels);
    const added = { count: count - (known?.[2] ?? 0), sum: sum - (known?.[3] ?? 0) };
    // Another process has brought more in the meantime.
    if (added.count <= 0) {
      if (known) all[index] = known;
      continue;
    }
    yield* run(
      `INSERT INTO totals (name, labels, count, sum) VALUES ($name, $labels, $count, $sum)
       ON CONFLICT (name, labels) DO UPDATE SET count = totals.count + excluded.count, sum = totals.sum + excluded.sum`,
      { name, labels, ...added },
    );
  }
  yield* run(
    `INSERT INTO brought (source, value, at) VALUES ($source, $value, $now)
     ON CONFLICT (source) DO UPDATE SET value = excluded.value, at = excluded.at`,
    { source, value: JSON.stringify({ totals: all } satisfies Brought), now },
  );
}
