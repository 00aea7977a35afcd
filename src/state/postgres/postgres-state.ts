import type { FleetOptions, OpenOverview, State } from '../state.ts';
import { openAlertBook } from './alert-book.ts';
import { openChanges } from './changes.ts';
import { openCircuits } from './circuits.ts';
import { openDeliveryClaims } from './claims.ts';
import { type Database, openDatabaseToRead } from './database.ts';
import { openEndpoints } from './endpoints.ts';
import { openKnownFolders } from './known-folders.ts';
import { openLocalFiles } from './local-files.ts';
import { openOutbox } from './outbox.ts';
import { openOverviewOf } from './overview.ts';
import { openHousekeeping } from './prune.ts';
import { openUploadQueue } from './queue.ts';
import { databaseOptions } from './settings.ts';
import type { Timelines } from './timelines.ts';
import { notePass } from './totals.ts';
import { openUploadJournal } from './upload-journal.ts';
import { takeWorkerIn } from './worker.ts';

/** The core's ports over an open database of a fleet. */
export function postgresStateOver(database: Database): State {
  const changes = openChanges(database);
  return {
    journal: openUploadJournal(database),
    queue: openUploadQueue(database),
    folders: openKnownFolders(database),
    localFiles: openLocalFiles(database),
    outbox: openOutbox(database),
    claims: openDeliveryClaims(database),
    endpoints: openEndpoints(database),
    circuits: openCircuits(database),
    changes,
    alerts: openAlertBook(database),
    overview: openOverviewOf(database),
    housekeeping: openHousekeeping(database),
    takeWorker: takeWorkerIn(database),
    notePass: now => database.single(sql => notePass(sql, database.self.machine, now)),
    isKept: true,
    isBlocked: false,
    async close() {
      await changes.close();
      await database.close();
    },
  };
}

/**
 * Opens the state of a fleet for looking at alone.
 * @returns undefined if there is none yet
 * @throws AppError `STATE` if it cannot be read
 */
export async function openPostgresOverview(
  fleet: FleetOptions,
  timelines?: Timelines,
): Promise<OpenOverview | undefined> {
  const database = await openDatabaseToRead({ ...databaseOptions(fleet, process.pid), timelines });
  if (!database) return undefined;
  return {
    ...openOverviewOf(database),
    damage: () => undefined,
    close() {
      void database.close();
    },
  };
}
