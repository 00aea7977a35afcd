import type { RecentFilter, RecentRecording } from '../core/status/overview.ts';
import type { Runtime } from './runtime.ts';

/** Which recordings to list; times are milliseconds since 1970. */
export type ListRequest = RecentFilter;

export interface ListReport {
  stateDir: string;
  /** False: nothing has been uploaded from this machine yet. */
  hasState: boolean;
  /** The newest first. */
  recordings: RecentRecording[];
}

/**
 * Lists what was uploaded from this machine, the newest first. Changes nothing and waits for no lock.
 * @throws AppError `STATE` if the state cannot be read
 */
export async function listRecordings(
  request: ListRequest,
  { config: { stateDir }, overview }: Pick<Runtime, 'config' | 'overview'>,
): Promise<ListReport> {
  const open = await overview();
  if (!open) return { stateDir, hasState: false, recordings: [] };
  try {
    return { stateDir, hasState: true, recordings: await open.recent(request) };
  } finally {
    open.close();
  }
}
