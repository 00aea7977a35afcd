import type { LocalReport, LocalResult } from '../../app/cleanup/local.ts';

/** Local files that were removed or kept. */
export interface LocalJson {
  dryRun: boolean;
  /** How old an upload has to be; null: local files are never removed. */
  ageMs: number | null;
  recordings: LocalResultJson[];
  /** Why the other recordings were not looked at. */
  stopped: string | null;
}

export interface LocalResultJson {
  recordingId: string;
  dir: string;
  /** `removable`: a dry run. `waiting`: nobody has to act. `gone`: somebody else has removed or moved the files. */
  outcome: 'removed' | 'removable' | 'waiting' | 'kept' | 'gone';
  /** Removed, or to be removed. */
  files: { name: string; sizeBytes: number }[];
  folderRemoved: boolean;
  /** What else is in the folder. */
  left: string[];
  /** Why they are not removed. */
  reason: string | null;
}

export function localJson({ dryRun, ageMs, recordings, stopped }: LocalReport): LocalJson {
  return {
    dryRun,
    ageMs: ageMs ?? null,
    recordings: recordings.map(resultJson),
    stopped: stopped ?? null,
  };
}

function resultJson(result: LocalResult): LocalResultJson {
  const { recordingId, dir, outcome } = result;
  return {
    recordingId,
    dir,
    outcome,
    files: 'files' in result ? result.files.map(({ name, sizeBytes }) => ({ name, sizeBytes })) : [],
    folderRemoved: outcome === 'removed' && result.folderRemoved,
    left: 'left' in result ? [...result.left] : [],
    reason: 'reason' in result ? result.reason : null,
  };
}
