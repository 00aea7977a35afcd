import { type Outbox, openOutbox } from '../core/delivery/outbox.ts';
import { AppError } from '../core/errors.ts';
import type { UploadSession } from '../core/upload/session.ts';
import { openDatabase, openTemporaryDatabase } from '../state/sqlite/database.ts';
import { type PruneReport, pruneState } from '../state/sqlite/prune.ts';
import { openRecordingStore } from '../state/sqlite/recording-store.ts';

/** What to do where the state cannot be used: fail, or continue with a state in memory that ends with the process. */
export type WithoutState = 'refuse' | 'continue';

/** What this machine remembers: unfinished uploads and webhooks. */
export interface State {
  recordings: UploadSession['store'];
  outbox: Outbox;
  /** Removes deliveries that were settled before `settledBefore` (milliseconds since 1970), and what dead processes left. */
  prune(request: { settledBefore: number; now: number; dryRun: boolean }): Promise<PruneReport>;
  close(): void;
}

/**
 * Opens the state, and makes it where there is none.
 * @param options.warn gets one line for each thing that was lost or cannot be kept
 * @throws AppError `STATE` where it cannot be used and `withoutState` is `refuse`
 */
export async function openState(
  stateDir: string,
  { withoutState, warn }: { withoutState: WithoutState; warn: (message: string) => void },
): Promise<State> {
  const database = open();
  const outbox = openOutbox(database);
  return {
    recordings: openRecordingStore(database, process.pid),
    outbox,
    prune: async request => pruneState(request, { database, stateDir, deliveries: outbox.deliveries }),
    close: () => database.close(),
  };

  function open() {
    try {
      return openDatabase(stateDir, { warn });
    } catch (error) {
      if (withoutState === 'refuse' || !(error instanceof AppError) || error.code !== 'STATE') throw error;
      const why = error.hint ? `${error.message} (${error.hint})` : error.message;
      warn(`${why}; continuing without it: what fails in this run is not kept and cannot be resumed`);
      return openTemporaryDatabase();
    }
  }
}
