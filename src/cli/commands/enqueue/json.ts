import type { EnqueuedFolder, EnqueueReport } from '../../../app/enqueue.ts';
import { iso } from '../../json/document.ts';
import { type ErrorJson, errorJson } from '../../json/error.ts';

/** The result of `enqueue --json` and `upload --detach --json`. */
export interface EnqueueJson {
  recordings: EnqueuedJson[];
  /** Endpoints without a token: their webhooks wait until there is one. */
  tokenless: string[];
  /** The process of `recordupload watch`, which uploads them; null: none runs, so `watch` or `retry` has to be started. */
  worker: { pid: number; since: string } | null;
}

export type EnqueuedJson =
  | {
      /** A sidecar that appears later may give it another one. */
      recordingId: string;
      dir: string;
      outcome: 'enqueued';
      /** Why its upload cannot begin yet; null: nothing is known that keeps it. */
      waitsFor: ErrorJson | null;
    }
  | { dir: string; outcome: 'refused'; error: ErrorJson };

export function enqueueJson({ folders, tokenless, worker }: EnqueueReport): EnqueueJson {
  return {
    recordings: folders.map(enqueuedJson),
    tokenless,
    worker: worker ? { pid: worker.pid, since: iso(worker.since) } : null,
  };
}

function enqueuedJson(folder: EnqueuedFolder): EnqueuedJson {
  if (!folder.ok) return { dir: folder.dir, outcome: 'refused', error: errorJson(folder.error) };
  const { recordingId, dir, waitsFor } = folder;
  return { recordingId, dir, outcome: 'enqueued', waitsFor: waitsFor ? errorJson(waitsFor) : null };
}
