import { systemClock } from '../../core/clock.ts';
import type { Overview } from '../../core/status/overview.ts';
import { openPostgresOverview } from '../postgres/postgres-state.ts';
import { openTemporaryDatabase } from '../sqlite/database.ts';
import { lookIntoSpool, openReadOnly } from '../sqlite/read-only.ts';
import type { Sql } from '../sqlite/sql.ts';
import { stateOver } from '../sqlite/sqlite-state.ts';
import type { FleetOptions, OpenOverview } from '../state.ts';
import { isUnusable } from './remote.ts';
import { timelinesSeen } from './timelines.ts';

const BEING_BROUGHT_MS = 500;

/**
 * Opens the state of a fleet for looking at alone; while its database is away, what this machine knows. It may go away
 * between two looks, too.
 * @param warn gets one line then
 * @returns undefined if there is none yet
 * @throws AppError `STATE` if neither can be read
 */
export async function openFleetOverview(
  stateDir: string,
  fleet: FleetOptions,
  warn: (message: string) => void = () => {},
): Promise<OpenOverview | undefined> {
  let own: Promise<OpenOverview> | undefined;
  const openOwn = (error: Error) => {
    const alone = `${error.message}; this is what this machine (${fleet.machine}) knows`;
    if (!own) warn(alone);
    own ??= openReadOnly(stateDir, { asSpool: true }).then(async one => ({
      ...(one ?? (await openNothing())),
      alone: () => alone,
    }));
    return own;
  };
  let shared: OpenOverview | undefined;
  try {
    shared = await openPostgresOverview(fleet, await timelinesSeen(stateDir));
  } catch (error) {
    if (!isUnusable(error)) throw error;
    return await openOwn(error);
  }
  // It can be read, and may have taken no writes: then it knows less than this machine.
  let spooled = await lookIntoSpool(stateDir, countAhead, 0);
  if (spooled > 0) {
    // An upload that has just ended is brought over within this.
    await systemClock.sleep(BEING_BROUGHT_MS);
    spooled = Math.min(spooled, await lookIntoSpool(stateDir, countAhead, 0));
  }
  if (spooled > 0) warn(notThere(spooled, fleet.machine));
  // One that was just made has nothing yet.
  if (!shared) return spooled > 0 ? await openReadOnly(stateDir, { asSpool: true }) : undefined;
  const there = shared;
  let opened: OpenOverview | undefined;
  const ask = async <T>(look: (overview: Overview) => Promise<T>): Promise<T> => {
    try {
      if (!opened) return await look(there);
    } catch (error) {
      if (!isUnusable(error)) throw error;
      opened = await openOwn(error);
    }
    return await look(opened);
  };
  return {
    ...overviewOf(ask),
    damage: () => opened?.damage(),
    alone: () => opened?.alone?.(),
    close() {
      there.close();
      opened?.close();
    },
  };
}

/** What a machine knows that has not kept anything yet. */
async function openNothing(): Promise<OpenOverview> {
  const database = await openTemporaryDatabase();
  const { overview } = stateOver(database, { pid: process.pid });
  return { ...overview, damage: () => undefined, close: () => void database.close() };
}

/** How many recordings of this machine the fleet's database does not know in full yet. */
function countAhead(sql: Sql): number {
  return Number(sql.get('SELECT COUNT(*) AS n FROM spooled WHERE is_ahead = 1')?.n ?? 0);
}

function notThere(count: number, machine: string): string {
  const what = count === 1 ? '1 recording' : `${count} recordings`;
  return `the state's database does not know all about ${what} of this machine (${machine}) yet: recordupload retry or watch brings that over`;
}

/** The overview of whichever state answers. */
export function overviewOf(ask: <T>(look: (overview: Overview) => Promise<T>) => Promise<T>): Overview {
  return {
    all: options => ask(one => one.all(options)),
    recording: id => ask(one => one.recording(id)),
    recent: filter => ask(one => one.recent(filter)),
    queue: filter => ask(one => one.queue(filter)),
    recordingIds: (prefix, options) => ask(one => one.recordingIds(prefix, options)),
    recordingsPage: filter => ask(one => one.recordingsPage(filter)),
    deliveriesPage: filter => ask(one => one.deliveriesPage(filter)),
    activity: since => ask(one => one.activity(since)),
    endpointStates: () => ask(one => one.endpointStates()),
    worker: () => ask(one => one.worker()),
    machines: () => ask(one => one.machines()),
    measures: () => ask(one => one.measures()),
  };
}
