import { monotonicMs } from '../../core/clock.ts';
import type { CoreEvent } from '../../core/events.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';

/** How far a run with several recordings is. */
export interface BatchProgress {
  observe(event: CoreEvent): void;
  /**
   * `12 of 100 recordings`, `1.2 GB of about 9.8 GB`, `45 MB/s`, `3 min left`: the most important first. Undefined if there
   * is one recording only, or all are done.
   */
  line(): string[] | undefined;
}

/** How long the rate is measured before it is shown, in milliseconds. */
const SETTLING_MS = 2000;

/** Adds up what the events of a run say. */
export function createBatchProgress(now: () => number = monotonicMs): BatchProgress {
  const recordings = { total: 0, begun: 0, finished: 0 };
  /** `begun`: of the recordings that have begun; `there`: already in the bucket. */
  const bytes = { begun: 0, there: 0, sent: 0 };
  let startedAt = 0;
  return {
    observe(event) {
      switch (event.type) {
        case 'folders-found':
          recordings.total = event.folders;
          startedAt = now();
          break;
        case 'folder-finished':
          recordings.finished++;
          break;
        case 'recording-started':
          recordings.begun++;
          bytes.begun += event.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
          break;
        case 'file-started':
          bytes.there += event.resumedBytes;
          break;
        case 'file-unchanged':
          bytes.there += event.sizeBytes;
          break;
        case 'file-progress':
          bytes.sent += event.bytes;
          break;
      }
    },
    line() {
      const { total, begun, finished } = recordings;
      if (finished >= total) return undefined;
      const counted = `${finished} of ${total} recordings`;
      if (begun === 0) return [counted];
      // What the recordings that have not begun are made of is not known: as much as the others, on average.
      const all = (bytes.begun / begun) * Math.max(total, begun);
      const done = bytes.there + bytes.sent;
      const about = begun < total ? 'about ' : '';
      const elapsedMs = now() - startedAt;
      const rate = elapsedMs > SETTLING_MS ? bytes.sent / elapsedMs : 0;
      const pace = rate > 0 ? [`${formatBytes(rate * 1000)}/s`, `${formatDuration((all - done) / rate)} left`] : [];
      return [counted, `${formatBytes(done)} of ${about}${formatBytes(all)}`, ...pace];
    },
  };
}
