import { AppError } from '../../core/errors.ts';
import { inPool } from '../../core/pool.ts';
import type { OtherMachines } from './import.ts';
import { type Counts, countsOf, isSame, type KnownOfRecording, NOTHING, plus } from './known.ts';
import type { Row } from './script.ts';
import type { Transfer } from './transfer.ts';

/** A recording that was not copied: another machine of the fleet has one with its ID. */
export interface Kept extends OtherMachines {
  recordingId: string;
}

/** What a copy has found. */
export interface Copied {
  /** All that is on the other side now. */
  counts: Counts;
  /** How many recordings were there already, exactly so. */
  already: number;
  kept: Kept[];
  /** IDs of webhooks in whose place the other side has one of the same content, or a newer one. */
  merged: Set<string>;
}

export interface CopyOptions {
  now: number;
  signal: AbortSignal;
  /** Counts what would be copied, and copies nothing. */
  dryRun: boolean;
  /** Says how many recordings are done. */
  onProgress?: ((recordings: number) => void) | undefined;
}

const PAGE = 500;
/** As many as PostgreSQL's pool has connections; SQLite writes one after the other. */
const AT_ONCE = 4;

/** Goes through all recordings, page by page. */
export async function forEachRecording(
  { ids }: Transfer,
  signal: AbortSignal,
  work: (id: string) => Promise<void>,
): Promise<void> {
  for (let after = ''; ; ) {
    const page = await ids(after, PAGE);
    await inPool(page, { atOnce: AT_ONCE, signal }, work);
    signal.throwIfAborted();
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last;
  }
}

/** Copies what one state knows of recordings into the other. What is there already stays; so it can be run again. */
export async function copyRecordings(from: Transfer, to: Transfer, options: CopyOptions): Promise<Copied> {
  const { now, signal, dryRun, onProgress } = options;
  const copied: Copied = { counts: NOTHING, already: 0, kept: [], merged: new Set() };
  let done = 0;
  await forEachRecording(from, signal, async id => {
    const known = await from.read(id);
    const isThere = isSame(await to.read(id), known);
    // Exactly this may be another machine's there: an interrupted move of this one, when it had another name.
    const taken = dryRun || isThere ? await to.othersOf(known) : await to.take(known, { prefer: 'newer', now });
    const { others, deliveries = [] } = taken;
    for (const { webhookId, how } of deliveries) if (how !== 'new') copied.merged.add(webhookId);
    copied.kept.push(...others.map(other => ({ ...other, recordingId: id })));
    if (others.length > 0) return;
    if (isThere) copied.already++;
    copied.counts = plus(copied.counts, countsOf(known));
    onProgress?.(++done);
  });
  return copied;
}

/**
 * Compares both sides, recording by recording.
 * @param copied what the copy has found
 * @throws AppError `VERIFICATION` naming a recording of which something is missing
 */
export async function verifyCopy(
  from: Transfer,
  to: Transfer,
  { kept, merged }: Pick<Copied, 'kept' | 'merged'>,
  signal: AbortSignal,
): Promise<Counts> {
  let counts = NOTHING;
  const keep = new Set(kept.map(({ recordingId }) => recordingId));
  await forEachRecording(from, signal, async id => {
    if (keep.has(id)) return;
    const isCopied = ({ row }: { row: Row }) => !merged.has(String(row.webhook_id));
    const [given, taken] = [await from.read(id), await to.read(id)];
    const what = differenceOf({ ...given, deliveries: given.deliveries.filter(isCopied) }, taken);
    if (what !== undefined) throw differs(id, what);
    counts = plus(counts, countsOf(given));
  });
  return counts;
}

const key = (row: Row) => `${row.target} ${row.name ?? ''} ${row.number ?? ''} ${row.upload_id ?? ''}`;

export function differs(id: string, what: string): AppError {
  return new AppError('VERIFICATION', `the copy of recording ${id} has other ${what}; nothing was removed`, {
    hint: 'run the command again; if that does not help, report it with the output of --json',
  });
}

/**
 * What of a recording the copy does not have. Deliveries may be further than they were: any machine sends them.
 * @returns undefined: nothing
 */
function differenceOf(given: KnownOfRecording, taken: KnownOfRecording): string | undefined {
  for (const row of given.recordings) {
    const other = taken.recordings.find(one => one.target === row.target);
    if (!other) return 'recordings';
    // It was changed there since; then its files were, too.
    if (Number(other.updated_at) > Number(row.updated_at)) continue;
    if (!isSame(other, row)) return 'recordings';
    for (const table of ['files', 'multipart_uploads', 'parts'] as const) {
      const of = (known: KnownOfRecording) => known[table].filter(one => one.target === row.target);
      if (!isSame(of(taken), of(given))) return table === 'files' ? 'files' : 'parts';
    }
  }
  const begun = new Set(taken.begun_uploads.map(key));
  if (!given.begun_uploads.every(row => begun.has(key(row)))) return 'uploads';
  return differenceOfDeliveries(given, taken);
}

function differenceOfDeliveries(given: KnownOfRecording, taken: KnownOfRecording): string | undefined {
  const order = taken.deliveries.map(({ row }) => row.webhook_id);
  const pruned = new Set(taken.pruned_deliveries.map(row => row.webhook_id));
  let last = -1;
  for (const { row, attempts } of given.deliveries) {
    const index = order.indexOf(row.webhook_id ?? null);
    const other = taken.deliveries[index];
    if (!other && pruned.has(row.webhook_id ?? null)) continue;
    if (!other || index < last) return 'webhooks';
    last = index;
    const same = ['payload', 'content_hash', 'endpoint', 'created_at'].every(name => other.row[name] === row[name]);
    if (!same || other.attempts.length < attempts.length) return 'webhooks';
    if (!isSame(other.attempts.slice(0, attempts.length), attempts)) return 'webhooks';
  }
  const known = new Map(taken.pruned_deliveries.map(row => [row.endpoint, row]));
  const isThere = (row: Row) => Number(known.get(row.endpoint ?? null)?.settled_at ?? 0) >= Number(row.settled_at);
  return given.pruned_deliveries.every(isThere) ? undefined : 'webhooks';
}

/** How much a state knows. */
export async function countAll(from: Transfer, signal: AbortSignal): Promise<Counts> {
  const { queue } = await from.readBeside();
  let counts: Counts = { ...NOTHING, queued: queue.length };
  await forEachRecording(from, signal, async id => {
    counts = plus(counts, countsOf(await from.read(id)));
  });
  return counts;
}
