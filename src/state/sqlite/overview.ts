import { type HeldReason, toDelivery } from '../../core/delivery/delivery.ts';
import { isOwnerAlive } from './liveness.ts';
import type { ReadOnlyState } from './read-only.ts';
import type { Row } from './sql.ts';

/** An upload that is not done. Times are milliseconds since 1970. */
export interface UnfinishedUpload {
  target: string;
  id: string;
  dir: string;
  /** `uploading`: a living process is at work on it. `partial`: `retry` will go on with it. */
  state: 'uploading' | 'partial';
  /** The process at work. */
  pid: number | null;
  since: number;
  updatedAt: number;
  error: string | null;
  files: FileProgress[];
}

/** How far a file is. */
export interface FileProgress {
  name: string;
  /** `sending`: some of its parts are in the bucket. */
  state: 'uploaded' | 'sending' | 'pending';
  sizeBytes: number;
  partsDone: number;
  /** 0 where it is not known yet. */
  parts: number;
  error: string | null;
}

/** A webhook that is not delivered. */
export interface WaitingDelivery {
  recordingId: string;
  endpoint: string;
  webhookId: string;
  state: 'held' | 'waiting';
  heldReason: HeldReason | null;
  attempts: number;
  since: number;
  nextAt: number | null;
  /** What came of the last try. */
  error: string | null;
}

/** What is kept of an endpoint that nothing is sent to. */
export interface BlockedEndpoint {
  name: string;
  /** `disabled: <reason>` or `refuses the token`. */
  reason: string;
  since: number | null;
}

/** Where everything stands. The lists have at most as many entries as were asked for, the oldest first. */
export interface StateOverview {
  counts: {
    uploading: number;
    partial: number;
    done: number;
    waiting: number;
    held: number;
    delivered: number;
    superseded: number;
  };
  uploads: UnfinishedUpload[];
  held: WaitingDelivery[];
  waiting: WaitingDelivery[];
  endpoints: BlockedEndpoint[];
  /** When the next webhook is due. */
  nextAt: number | null;
  /** Since when the oldest partial upload, unfinished upload, or waiting webhook is there. */
  oldest: { partial: number | null; upload: number | null; waiting: number | null };
}

/** Reads where everything stands; what is done is counted from indexes and never read. */
export function readOverview(state: ReadOnlyState, stateDir: string, { limit }: { limit: number }): StateOverview {
  const number = (text: string, ...values: (string | number)[]) => Number(state.get(text, ...values)?.n ?? 0);
  const time = (text: string, ...values: (string | number)[]) =>
    (state.get(text, ...values)?.n ?? null) as number | null;
  const countOf = (wanted: string) => number('SELECT COUNT(*) AS n FROM deliveries WHERE state = ?', wanted);

  const unfinished = number(`SELECT COUNT(*) AS n FROM recordings WHERE state <> 'done'`);
  const known =
    number('SELECT COUNT(*) AS n FROM recordings') -
    number('SELECT COUNT(*) AS n FROM recordings WHERE created_at = 0');
  const living = livingClaimants(state, stateDir);
  const atWork = living.length > 0 ? living : [''];
  const marks = atWork.map(() => '?').join(', ');
  const uploading = number(
    `SELECT COUNT(*) AS n FROM recordings WHERE state <> 'done' AND claimed_by IN (${marks})`,
    ...atWork,
  );
  const partial = `state <> 'done' AND (claimed_by IS NULL OR claimed_by NOT IN (${marks}))`;
  const waiting = soonest(state, Math.max(1, limit));
  return {
    counts: {
      uploading,
      partial: unfinished - uploading,
      done: known - unfinished,
      waiting: countOf('pending'),
      held: countOf('held'),
      delivered: countOf('delivered'),
      superseded: countOf('superseded'),
    },
    uploads: state
      .all(
        // Those at work first: they are few, and what people look for.
        `SELECT * FROM (SELECT * FROM recordings WHERE state <> 'done' AND claimed_by IN (${marks})
           ORDER BY unfinished_since LIMIT ?)
         UNION ALL SELECT * FROM (SELECT * FROM recordings WHERE ${partial} ORDER BY unfinished_since LIMIT ?)`,
        ...atWork,
        limit,
        ...atWork,
        limit,
      )
      .map(row => toUpload(row, living, state)),
    held: state
      .all(`SELECT * FROM deliveries WHERE state = 'held' ORDER BY settled_at LIMIT ?`, limit)
      .map(row => toWaiting(row, state)),
    waiting: waiting.slice(0, limit).map(row => toWaiting(row, state)),
    endpoints: state
      .all('SELECT * FROM endpoints WHERE disabled_reason IS NOT NULL OR refused_at IS NOT NULL ORDER BY name')
      .map(toBlocked),
    nextAt: (waiting[0]?.next_at ?? null) as number | null,
    oldest: {
      partial: time(`SELECT unfinished_since AS n FROM recordings WHERE ${partial} ORDER BY 1 LIMIT 1`, ...atWork),
      upload: time(`SELECT MIN(unfinished_since) AS n FROM recordings WHERE state <> 'done'`),
      // Made in the order of their numbers.
      waiting: time(
        `SELECT created_at AS n FROM deliveries WHERE seq = (SELECT MIN(seq) FROM deliveries WHERE state = 'pending')`,
      ),
    },
  };
}

/** The webhooks that are due first, of all endpoints; each has its own order of them. */
function soonest(state: ReadOnlyState, limit: number): Row[] {
  const rows: Row[] = [];
  let endpoint = '';
  for (;;) {
    // SQLite would choose another index and read every row.
    const next = state.get(
      `SELECT MIN(endpoint) AS name FROM deliveries INDEXED BY deliveries_due WHERE state = 'pending' AND endpoint > ?`,
      endpoint,
    );
    if (typeof next?.name !== 'string') return rows.sort((a, b) => Number(a.next_at) - Number(b.next_at));
    endpoint = next.name;
    rows.push(
      ...state.all(
        `SELECT * FROM deliveries INDEXED BY deliveries_due WHERE endpoint = ? AND state = 'pending'
         ORDER BY next_at LIMIT ?`,
        endpoint,
        limit,
      ),
    );
  }
}

/** Owners of claims on recordings that are alive. */
export function livingClaimants(state: ReadOnlyState, stateDir: string): string[] {
  return state
    .all('SELECT DISTINCT claimed_by AS id FROM recordings WHERE claimed_by IS NOT NULL')
    .map(row => String(row.id))
    .filter(id => isOwnerAlive(stateDir, id, Number(state.get('SELECT pid FROM owners WHERE id = ?', id)?.pid ?? 0)));
}

/** An upload's row with what is known of its files. */
export function toUpload(row: Row, living: readonly string[], state: ReadOnlyState): UnfinishedUpload {
  const claimant = typeof row.claimed_by === 'string' && living.includes(row.claimed_by) ? row.claimed_by : undefined;
  const pid = claimant && state.get('SELECT pid FROM owners WHERE id = ?', claimant)?.pid;
  return {
    target: String(row.target),
    id: String(row.id),
    dir: String(row.dir),
    state: claimant ? 'uploading' : 'partial',
    pid: typeof pid === 'number' ? pid : null,
    since: Number(row.unfinished_since ?? row.updated_at),
    updatedAt: Number(row.updated_at),
    error: row.error as string | null,
    files: readFiles(state, String(row.target), String(row.id)),
  };
}

/** The files of a recording that uploads have got to, by name. */
function readFiles(state: ReadOnlyState, target: string, id: string): FileProgress[] {
  const files = new Map<string, FileProgress>();
  for (const row of state.all('SELECT * FROM files WHERE target = ? AND recording_id = ?', target, id)) {
    const isUploaded = row.state === 'uploaded';
    const parts = partsOf(row);
    files.set(String(row.name), {
      name: String(row.name),
      state: isUploaded ? 'uploaded' : 'pending',
      sizeBytes: Number(row.size),
      partsDone: isUploaded ? parts : 0,
      parts,
      error: row.error as string | null,
    });
  }
  const open = state.all(
    `SELECT u.*, (SELECT COUNT(*) FROM parts p WHERE p.target = u.target AND p.recording_id = u.recording_id
       AND p.name = u.name) AS done FROM multipart_uploads u WHERE target = ? AND recording_id = ?`,
    target,
    id,
  );
  for (const row of open) {
    const name = String(row.name);
    const error = files.get(name)?.error ?? null;
    const [sizeBytes, partsDone] = [Number(row.size), Number(row.done)];
    files.set(name, { name, state: 'sending', sizeBytes, partsDone, parts: partsOf(row), error });
  }
  return [...files.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function partsOf({ size, part_size: partSize }: Row): number {
  return typeof partSize === 'number' && partSize > 0 ? Math.max(1, Math.ceil(Number(size) / partSize)) : 0;
}

function toWaiting(row: Row, state: ReadOnlyState): WaitingDelivery {
  const { seq, recordingId, endpoint, webhookId, heldReason, attempts, createdAt, nextAt, ...rest } = toDelivery(row);
  const last = state.get('SELECT error FROM attempts WHERE delivery = ? ORDER BY number DESC LIMIT 1', seq);
  const isHeld = rest.state === 'held';
  return {
    recordingId,
    endpoint,
    webhookId,
    state: isHeld ? 'held' : 'waiting',
    heldReason,
    attempts,
    since: createdAt,
    nextAt: isHeld ? null : nextAt,
    error: (last?.error as string | null | undefined) ?? null,
  };
}

function toBlocked(row: Row): BlockedEndpoint {
  const isDisabled = row.disabled_reason !== null;
  return {
    name: String(row.name),
    reason: isDisabled ? `disabled: ${row.disabled_reason}` : 'refuses the token',
    since: (isDisabled ? row.disabled_at : row.refused_at) as number | null,
  };
}
