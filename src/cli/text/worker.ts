import type { Worker } from '../../core/status/worker.ts';
import { formatDuration } from '../../core/units.ts';

/** The worker, as people see it. */
export function workerText({ pid, since }: Worker, now: number): string {
  return `recordupload watch runs as process ${pid}, for ${formatDuration(Math.max(0, now - since))}`;
}
