import type { CoreEvent } from '../../core/events.ts';
import { errorJson } from '../json/error.ts';
import type { Progress } from './progress.ts';

/** Bytes are told of this often a file. */
const EVERY_MS = 500;

/** `--progress json`: a line for each event, for programs. `version` changes when something is renamed or removed. */
export function createJsonProgress(write: (line: string) => void, now: () => number = Date.now): Progress {
  const files = new Map<string, { sizeBytes: number; doneBytes: number; toldAt: number }>();
  const tell = (event: object) => write(JSON.stringify({ version: 1, at: new Date(now()).toISOString(), ...event }));

  const progress = (event: CoreEvent & { type: 'file-progress' }) => {
    const file = files.get(idOf(event));
    if (!file) return;
    file.doneBytes += event.bytes;
    if (now() - file.toldAt < EVERY_MS) return;
    file.toldAt = now();
    const { type, recordingId, name } = event;
    tell({ type, recordingId, name, doneBytes: file.doneBytes, sizeBytes: file.sizeBytes });
  };
  return {
    observe(event) {
      if (event.type === 'file-progress') return progress(event);
      if (event.type === 'file-started') {
        files.set(idOf(event), { sizeBytes: event.sizeBytes, doneBytes: event.resumedBytes, toldAt: now() });
      }
      tell(toldOf(event));
    },
    trace: request => tell({ type: 'request', ...request }),
    stop: () => {},
  };
}

/** An event as it may be told: of files their names and sizes, of errors what people are told too. */
function toldOf(event: CoreEvent): object {
  if (event.type === 'file-failed') return { ...event, error: errorJson(event.error) };
  if (event.type === 'recording-started') {
    return { ...event, files: event.files.map(({ name, sizeBytes }) => ({ name, sizeBytes })) };
  }
  if (event.type === 'warning') {
    const { type, message, recordingId } = event;
    return { type, message, recordingId };
  }
  return event;
}

function idOf({ recordingId, name }: { recordingId: string; name: string }): string {
  return `${recordingId}/${name}`;
}
