import { systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { TakeWorkerResult } from '../../core/status/worker.ts';
import type { RecordingRef } from '../../core/upload/parts-journal.ts';
import { type DatabaseOptions, openDatabase as openPostgres } from '../postgres/database.ts';
import { isPassing } from '../postgres/failure.ts';
import { postgresStateOver } from '../postgres/postgres-state.ts';
import { databaseOptions } from '../postgres/settings.ts';
import { openDatabase as openSqlite } from '../sqlite/database.ts';
import { tidyFile } from '../sqlite/prune.ts';
import { stateOver } from '../sqlite/sqlite-state.ts';
import type { FleetOptions, State } from '../state.ts';
import { refuseMoved } from '../transfer/moved.ts';
import { postgresTransfer } from '../transfer/transfer.ts';
import { createBringOver } from './bring-over.ts';
import { createChanges } from './changes.ts';
import { ignoreAway, openFleetJournal } from './fleet-journal.ts';
import {
  fleetOverview,
  openFleetAlerts,
  openFleetCircuits,
  openFleetClaims,
  openFleetEndpoints,
  openFleetFolders,
  openFleetHousekeeping,
  openFleetLocalFiles,
  openFleetOutbox,
  openFleetQueue,
} from './fleet-ports.ts';
import { createRemote, isAway, type OpenRemote, type Remote } from './remote.ts';
import { releaseLeft } from './shared-folders.ts';
import { openSpool } from './spool.ts';
import { keptTimelines } from './timelines.ts';

/**
 * Opens the state of a fleet. While its database is away, uploads go on: what they come to is kept in this machine's own
 * SQLite file (the spool), and brought over when the database is back.
 * @param options.pid this process, as the others see it
 * @param options.warn gets one line when the database goes away
 * @throws AppError `STATE` if the file cannot be used, or the database is not one for this program; `CONFIG` if it is
 * somebody else's, or the state was moved
 */
export async function openFleetState(
  stateDir: string,
  fleet: FleetOptions,
  { pid, warn = () => {} }: { pid: number; warn?: ((message: string) => void) | undefined },
): Promise<State> {
  const file = await openSqlite(stateDir, { warn });
  const close = async (error: unknown) => {
    await file.close();
    throw error;
  };
  await file.read(sql => refuseMoved(sql, { asSpool: true })).catch(close);
  const local = stateOver(file, { pid, stateDir });
  const spool = openSpool(file);
  const timelines = await keptTimelines(file);
  const changes = createChanges(() => remote);
  const unreleased = new Map<string, RecordingRef>();
  const remote: Remote = createRemote({
    onBack: opened => {
      changes.onBack(opened);
      if (unreleased.size > 0) void releaseLeft(unreleased, opened).then(() => changes.onBack(opened));
    },
    open: () => openRemote({ ...databaseOptions(fleet, pid), warn, timelines }),
    onAway: error => warn(awayLine(error, fleet)),
    now: () => systemClock.monotonic(),
  });
  const now = () => systemClock.now();
  const bringOver = createBringOver({ spool, remote, now });
  const { sharedFolders } = fleet;
  const deps = { spool, local, remote, bringOver, sharedFolders, unreleased, now };
  let workerSince: number | undefined;
  let shared: { release(): Promise<void> } | undefined;
  const shareWorker = async (at: number) => {
    const taken = await remote.use(({ state }) => state.takeWorker(at)).catch(orUndefined);
    if (taken?.ok === false) return taken;
    shared = taken;
    return undefined;
  };
  // What is wrong with the configuration is said before anything is done.
  await remote
    .use(async () => {})
    .catch(ignoreAway)
    .catch(close);

  return {
    journal: openFleetJournal(deps),
    queue: openFleetQueue(deps),
    folders: openFleetFolders(deps),
    localFiles: openFleetLocalFiles(deps),
    outbox: openFleetOutbox(deps),
    claims: openFleetClaims(deps),
    endpoints: openFleetEndpoints(deps),
    circuits: openFleetCircuits(deps),
    changes,
    alerts: openFleetAlerts(deps),
    overview: fleetOverview(deps),
    housekeeping: openFleetHousekeeping(deps, options => tidyFile(file, stateDir, options)),
    async takeWorker(at): Promise<TakeWorkerResult> {
      // The file says who of this machine is it, also without the database.
      const own = await local.takeWorker(at);
      if (!own.ok) return own;
      const refused = await shareWorker(at);
      if (refused) {
        await own.release();
        return refused;
      }
      workerSince = at;
      return {
        ok: true,
        async release() {
          workerSince = undefined;
          await own.release();
          await shared?.release().catch(ignoreAway);
        },
      };
    },
    async notePass(at) {
      await local.notePass(at);
      await remote.use(({ state }) => state.notePass(at)).catch(ignoreAway);
    },
    async bringOver() {
      const brought = await bringOver.all();
      // A worker that began without the database is noted there now.
      if (workerSince !== undefined && !shared) await shareWorker(workerSince);
      return brought;
    },
    away: () => remote.failure?.message,
    isKept: true,
    isBlocked: false,
    async close() {
      await remote.close();
      await local.close();
    },
  };
}

async function openRemote(options: DatabaseOptions): Promise<OpenRemote> {
  const database = await openPostgres(options);
  const { machine } = database.self;
  try {
    const moved = await database.read(sql => sql.get('SELECT at FROM moved WHERE machine = $machine', { machine }));
    if (moved) throw movedOut(machine);
  } catch (error) {
    await database.close();
    throw error;
  }
  return { database, state: postgresStateOver(database), transfer: postgresTransfer(database) };
}

export function movedOut(machine: string): AppError {
  return new AppError('CONFIG', `the state of this machine (${machine}) was moved out of PostgreSQL`, {
    hint: 'remove stateUrl, or move it again: recordupload state move --to postgres',
  });
}

/** What is said when the database goes away. */
function awayLine(error: AppError, { sharedFolders }: Pick<FleetOptions, 'sharedFolders'>): string {
  const message = error.hint && !isPassing(error) ? `${error.message} (${error.hint})` : error.message;
  if (sharedFolders)
    return `${message}; uploads wait until it is back, because another machine may go on with them (sharedFolders)`;
  return `${message}; uploads go on without it: this machine keeps what they come to, and "recordupload retry" or "recordupload watch" brings it over when the database is back`;
}

function orUndefined(error: unknown): undefined {
  if (!isAway(error)) throw error;
}
