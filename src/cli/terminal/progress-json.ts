import type { CoreEvent } from '../../core/events.ts';
import { printableJson } from '../../core/text.ts';
import { type ProgressJson, progressJson } from '../json/progress.ts';
import type { Progress } from './progress.ts';

/** How often the bytes of a file are reported. */
const EVERY_MS = 500;

/** `--progress json`: one line of JSON per event. `version` changes when something is renamed or removed. */
export function createJsonProgress(write: (line: string) => void, now: () => number = Date.now): Progress {
  const files = new Map<string, { sizeBytes: number; doneBytes: number; printedAt: number }>();
  const print = (line: ProgressJson) =>
    write(printableJson({ version: 1, at: new Date(now()).toISOString(), ...line }));

  const progress = ({ type, recordingId, name, bytes }: CoreEvent & { type: 'file-progress' }) => {
    const file = files.get(idOf(recordingId, name));
    if (!file) return;
    file.doneBytes += bytes;
    if (now() - file.printedAt < EVERY_MS) return;
    file.printedAt = now();
    const { doneBytes, sizeBytes } = file;
    print({ type, recordingId, name, doneBytes, sizeBytes });
  };
  return {
    observe(event) {
      if (event.type === 'file-progress') return progress(event);
      if (event.type === 'file-started') {
        const { recordingId, name, sizeBytes, resumedBytes: doneBytes } = event;
        files.set(idOf(recordingId, name), { sizeBytes, doneBytes, printedAt: now() });
      }
      if (event.type === 'file-finished' || event.type === 'file-unchanged' || event.type === 'file-failed')
        files.delete(idOf(event.recordingId, event.name));
      print(progressJson(event));
    },
    trace: ({ operation, target, durationMs, ok, detail }) =>
      print({ type: 'request', operation, target, durationMs, ok, detail }),
    stop: () => {},
  };
}

function idOf(recordingId: string, name: string): string {
  return `${recordingId}/${name}`;
}
