import { SUPERSEDE } from '../outbox.ts';
import { type Dialect, isClaimed, type Locked, lock } from './export.ts';
import type { KnownOfRecording } from './known.ts';
import { all, get, type Row, run, type Script } from './script.ts';
import { insertInto } from './tables.ts';

/** What became of one delivery. */
export interface TakenDelivery {
  webhookId: string;
  /**
   * `new`: it is in the state, whether this call or an earlier one has brought it. `reused`, `already-delivered`: the state
   * has another one of the same content. `older`: it has a newer one, so this one is sent no more.
   */
  how: 'new' | 'reused' | 'already-delivered' | 'older';
  /** The delivery in the state that stands for it, with its `seq`; undefined: it was pruned. */
  row: Row | undefined;
}

/** What became of a recording. */
export interface TakenRecording {
  deliveries: TakenDelivery[];
  /** Buckets in which another machine has the recording, with that machine. If there are any, nothing was taken. */
  others: OtherMachines[];
}

/** A recording that another machine has. */
export interface OtherMachines {
  target: string;
  machine: string;
  /** A process of that machine is at work on it, so that it may change. */
  isAtWork: boolean;
}

export interface ImportOptions {
  /**
   * `source`: the machine has worked at it while the state was away. What another machine has uploaded since stays as that
   * has said. `newer`: what was changed here since stays as it is here, and so does all that another machine has.
   */
  prefer: 'source' | 'newer';
  /** IDs of webhooks that are sent even if the endpoint has received the same content. */
  forced?: ReadonlySet<string> | undefined;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * Takes a recording in with its deliveries, in one transaction; again changes nothing. Deliveries keep their order, and an
 * older one never becomes due after a newer one.
 */
export function* takeRecording(
  known: KnownOfRecording,
  dialect: Dialect,
  { prefer, forced = new Set(), now }: ImportOptions,
): Script<TakenRecording> {
  yield* lock(dialect, lockedOf(known));
  const { others, mine } = yield* findOthers(known, dialect, prefer);
  if (others.length > 0) return { deliveries: [], others };
  for (const row of mine) yield* replace(known, row, dialect);
  for (const row of known.begun_uploads) yield* addBegun(row, dialect);
  for (const row of known.pruned_deliveries) yield* addPruned(row);
  const deliveries: TakenDelivery[] = [];
  const ids = new Set(known.deliveries.map(({ row }) => String(row.webhook_id)));
  for (const { row, attempts } of known.deliveries) {
    const isForced = forced.has(String(row.webhook_id));
    const taken = yield* takeDelivery(row, attempts, { ids, isForced, now });
    deliveries.push(taken);
    // Its own time is by another clock.
    const isDue = prefer === 'source' && taken.how === 'new' && taken.row?.state === 'pending';
    if (isDue && dialect.dueNow) yield* dialect.dueNow(Number(taken.row?.seq));
  }
  return { deliveries, others };
}

/** What a transaction about a recording works at. */
export function lockedOf({ recordingId, recordings, deliveries }: KnownOfRecording): Locked {
  const endpoints = [...new Set(deliveries.map(({ row }) => String(row.endpoint)))];
  return { recordingId, targets: recordings.map(({ target }) => String(target)), endpoints };
}

/**
 * Looks which of a recording's buckets another machine has.
 * @returns `mine`: the rows whose place is here
 */
export function* findOthers(
  known: KnownOfRecording,
  dialect: Dialect,
  prefer: ImportOptions['prefer'],
): Script<{ others: OtherMachines[]; mine: Row[] }> {
  const others: OtherMachines[] = [];
  const mine: Row[] = [];
  for (const row of known.recordings) {
    const target = String(row.target);
    const here = yield* hereOf(dialect, target, known.recordingId);
    if (here && typeof here.machine === 'string' && here.machine !== dialect.machine) {
      const isAtWork = yield* isClaimed(dialect, here);
      if (prefer === 'newer' || isAtWork || here.state === 'done')
        others.push({ target, machine: here.machine, isAtWork });
    }
    if (!here || prefer === 'source' || Number(here.updated_at) <= Number(row.updated_at)) mine.push(row);
  }
  return { others, mine };
}

function* hereOf({ machine }: Dialect, target: string, id: string): Script<Row | undefined> {
  const columns = `state, updated_at, claimed_by${machine === undefined ? '' : ', machine'}`;
  return yield* get(`SELECT ${columns} FROM recordings WHERE target = $target AND id = $id`, { target, id });
}

/** What the source says of the recording in this bucket takes the place of what was known here. */
function* replace(known: KnownOfRecording, row: Row, { machine }: Dialect): Script<void> {
  const target = String(row.target);
  const { recordingId } = known;
  for (const table of ['parts', 'multipart_uploads', 'files'])
    yield* run(`DELETE FROM ${table} WHERE target = $target AND recording_id = $recordingId`, { target, recordingId });
  yield* run('DELETE FROM recordings WHERE target = $target AND id = $recordingId', { target, recordingId });
  // Uploads that ended since are begun no more.
  const begun = known.begun_uploads.filter(one => one.target === target).map(one => String(one.upload_id));
  const here = yield* all('SELECT upload_id FROM begun_uploads WHERE target = $target AND key > $from AND key < $to', {
    target,
    from: `${recordingId}/`,
    to: `${recordingId}0`,
  });
  for (const { upload_id: uploadId } of here)
    if (!begun.includes(String(uploadId)))
      yield* run('DELETE FROM begun_uploads WHERE target = $target AND upload_id = $uploadId', {
        target,
        uploadId: String(uploadId),
      });
  yield* insert(insertInto('recordings', row, machine === undefined ? {} : { machine }));
  for (const table of ['files', 'multipart_uploads', 'parts'] as const)
    for (const one of known[table]) if (one.target === target) yield* insert(insertInto(table, one));
  if (row.state === 'done') yield* forgetRefused(row, machine);
}

/** As the end of an upload does: a recording of the same folder that was refused has this ID now. */
function* forgetRefused({ target, id, dir }: Row, machine: string | undefined): Script<void> {
  const mine = machine === undefined ? '' : ' AND machine = $machine';
  yield* run(
    `DELETE FROM recordings WHERE target = $target AND state <> 'done' AND refused = 1 AND id <> $id AND dir = $dir
       AND claimed_by IS NULL${mine}`,
    { target: target ?? null, id: id ?? null, dir: dir ?? null, ...(machine !== undefined && { machine }) },
  );
}

/** Adds a multipart upload that was begun and not seen to end. */
export function* addBegun(row: Row, { machine }: Dialect): Script<void> {
  const { text, values } = insertInto('begun_uploads', row, machine === undefined ? {} : { machine });
  yield* run(`${text} ON CONFLICT (target, upload_id) DO NOTHING`, values);
}

function* addPruned(row: Row): Script<void> {
  const { text, values } = insertInto('pruned_deliveries', row);
  yield* run(
    `${text} ON CONFLICT (recording_id, endpoint) DO UPDATE SET
       webhook_id = excluded.webhook_id, content_hash = excluded.content_hash, attempts = excluded.attempts,
       created_at = excluded.created_at, settled_at = excluded.settled_at
     WHERE excluded.settled_at > pruned_deliveries.settled_at`,
    values,
  );
}

const IS_OVER: readonly unknown[] = ['superseded', 'discarded'];

function* takeDelivery(
  row: Row,
  attempts: readonly Row[],
  { ids, isForced, now }: { ids: ReadonlySet<string>; isForced: boolean; now: number },
): Script<TakenDelivery> {
  const webhookId = String(row.webhook_id);
  const of = { recordingId: String(row.recording_id), endpoint: String(row.endpoint) };
  const here = yield* get('SELECT * FROM deliveries WHERE webhook_id = $webhookId', { webhookId });
  if (here) return { webhookId, how: 'new', row: here };
  const pruned = yield* get(
    'SELECT webhook_id, content_hash FROM pruned_deliveries WHERE recording_id = $recordingId AND endpoint = $endpoint',
    of,
  );
  if (pruned?.webhook_id === webhookId && row.state !== 'delivered')
    return { webhookId, how: 'already-delivered', row: undefined };
  const isDue = row.state === 'pending' || row.state === 'held';
  const known = yield* all(
    'SELECT * FROM deliveries WHERE recording_id = $recordingId AND endpoint = $endpoint ORDER BY seq DESC',
    of,
  );
  // Those that the source knew of it has counted in.
  const newest = known.find(one => !ids.has(String(one.webhook_id)));
  if (newest && isDue && !isForced && newest.content_hash === row.content_hash && !IS_OVER.includes(newest.state))
    return { webhookId, how: newest.state === 'delivered' ? 'already-delivered' : 'reused', row: newest };
  if (
    !newest &&
    isDue &&
    !isForced &&
    pruned &&
    pruned.content_hash === row.content_hash &&
    !ids.has(String(pruned.webhook_id))
  )
    return { webhookId, how: 'already-delivered', row: undefined };
  if (newest && Number(newest.created_at) > Number(row.created_at)) return { webhookId, how: 'older', row: newest };
  if (isDue) yield* run(SUPERSEDE, { ...of, now });
  const made = insertInto('deliveries', row);
  const inserted = yield* get(`${made.text} RETURNING *`, made.values);
  const delivery = inserted?.seq ?? null;
  for (const attempt of attempts) yield* insert(insertInto('attempts', attempt, { delivery }));
  return { webhookId, how: 'new', row: inserted };
}

function* insert({ text, values }: ReturnType<typeof insertInto>): Script<void> {
  yield* run(text, values);
}
