import type { State } from '../state.ts';
import { openAlertBook } from './alert-book.ts';
import { openDeliveryClaims } from './claims.ts';
import type { Database } from './database.ts';
import { openEndpoints } from './endpoints.ts';
import { openKnownFolders } from './known-folders.ts';
import { openLocalFiles } from './local-files.ts';
import { openOutbox } from './outbox.ts';
import { openOverviewOf } from './overview.ts';
import { openHousekeeping } from './prune.ts';
import { openUploadQueue } from './queue.ts';
import { noteSuccess } from './totals.ts';
import { openUploadJournal } from './upload-journal.ts';
import { takeWorkerIn } from './worker.ts';

/**
 * The core's ports over an open SQLite database.
 * @param options.pid this process, as the others see it
 * @param options.stateDir undefined for a database in memory
 * @param options.isBlocked it is in memory because the state cannot be used
 */
export function stateOver(
  database: Database,
  options: { pid: number; stateDir?: string | undefined; isBlocked?: boolean | undefined },
): State {
  const { pid, stateDir, isBlocked = false } = options;
  const { read, liveness, isKept } = database;
  return {
    journal: openUploadJournal(database, pid),
    queue: openUploadQueue(database),
    folders: openKnownFolders(database),
    localFiles: openLocalFiles(database, pid),
    outbox: openOutbox(database),
    claims: openDeliveryClaims(database),
    endpoints: openEndpoints(database),
    alerts: openAlertBook(database),
    overview: openOverviewOf({ read, isAlive: id => liveness.isAlive(id) }),
    housekeeping: openHousekeeping(database, stateDir),
    takeWorker: takeWorkerIn(database, pid),
    notePass: now => database.write(sql => noteSuccess(sql, 'pass', now)),
    isKept,
    isBlocked,
    close: () => database.close(),
  };
}
