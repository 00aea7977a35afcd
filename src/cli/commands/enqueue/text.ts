import type { ChalkInstance } from 'chalk';
import type { EnqueueReport, TakenFolder } from '../../../app/enqueue.ts';
import { printable } from '../../../core/text.ts';
import { errorText } from '../../failure.ts';
import { workerText } from '../../text/worker.ts';

/** What was taken, what it waits for, and who uploads it. */
export function enqueueText({ folders, tokenless, worker, now }: EnqueueReport, paint: ChalkInstance): string[] {
  const taken = folders.filter(folder => folder.ok);
  if (taken.length === 0) return [];
  return [
    ...taken.flatMap(folder => takenLines(folder, paint)),
    ...tokenless.map(name => `${paint.yellow('!')} webhooks to ${printable(name)} wait until it has a token`),
    worker
      ? `worker: ${workerText(worker, now)}`
      : 'next: no worker is running: start recordupload watch, or upload once with recordupload retry',
  ];
}

function takenLines({ recordingId, dir, waitsFor }: TakenFolder, paint: ChalkInstance): string[] {
  const line = `${paint.green('✔')} ${printable(recordingId)}: enqueued  ${printable(dir)}`;
  return waitsFor ? [line, `  ${paint.yellow('waits:')} ${errorText(waitsFor)}`] : [line];
}
