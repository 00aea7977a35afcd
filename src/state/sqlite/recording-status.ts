import { type Attempt, type Delivery, toAttempt, toDelivery } from '../../core/delivery/delivery.ts';
import { type FileProgress, livingClaimants, toUpload } from './overview.ts';
import type { ReadOnlyState } from './read-only.ts';

/** One recording in one bucket, as this machine knows it. Times are milliseconds since 1970. */
export interface RecordingStatus {
  /** `<endpoint>/<bucket>` */
  target: string;
  id: string;
  dir: string;
  state: 'uploading' | 'partial' | 'done';
  pid: number | null;
  /** Since when something is missing; null once it is done. */
  since: number | null;
  updatedAt: number;
  error: string | null;
  files: FileProgress[];
  /** The bytes of `metadata.json` in the bucket. */
  metadata: string | null;
}

/** A delivery with its tries. */
export interface DeliveryHistory {
  delivery: Delivery;
  attempts: Attempt[];
}

/** All that is known of one recording: in each bucket, and each of its webhooks, oldest first. */
export function readRecording(
  state: ReadOnlyState,
  stateDir: string,
  id: string,
): { recordings: RecordingStatus[]; deliveries: DeliveryHistory[] } {
  const living = livingClaimants(state, stateDir);
  const recordings = targets(state).flatMap((target): RecordingStatus[] => {
    const row = state.get('SELECT * FROM recordings WHERE target = ? AND id = ? AND created_at > 0', target, id);
    if (!row) return [];
    const upload = toUpload(row, living, state);
    const isDone = row.state === 'done';
    return [
      {
        ...upload,
        state: isDone ? 'done' : upload.state,
        since: isDone ? null : upload.since,
        metadata: row.metadata as string | null,
      },
    ];
  });
  const deliveries = state
    .all('SELECT * FROM deliveries WHERE recording_id = ? ORDER BY seq', id)
    .map(toDelivery)
    .map(delivery => ({
      delivery,
      attempts: state.all('SELECT * FROM attempts WHERE delivery = ? ORDER BY number', delivery.seq).map(toAttempt),
    }));
  return { recordings, deliveries };
}

/** Every bucket that recordings went to, from one index entry to the next. */
function targets(state: ReadOnlyState): string[] {
  const found: string[] = [];
  for (;;) {
    const next = state.get('SELECT MIN(target) AS target FROM recordings WHERE target > ?', found.at(-1) ?? '');
    if (typeof next?.target !== 'string') return found;
    found.push(next.target);
  }
}
