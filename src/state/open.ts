import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkFile } from './sqlite/check-file.ts';
import { openDatabase, openTemporaryDatabase } from './sqlite/database.ts';
import { awaitStateFolder, refuseForeignState } from './sqlite/own-state.ts';
import { mayHoldDeliveries, openReadOnly } from './sqlite/read-only.ts';
import { stateOver } from './sqlite/sqlite-state.ts';
import type { DatabaseFacts, FleetOptions, OpenOverview, State, StateOptions } from './state.ts';
import { refuseMoved } from './transfer/moved.ts';

export type { DatabaseFacts, FleetOptions, OpenOverview, State, StateOptions } from './state.ts';

/**
 * Opens the state of a folder, or of a fleet; creates or upgrades it if needed.
 * @throws AppError `STATE` if the folder or its file, or the database, cannot be used, `CONFIG` if they are somebody else's,
 * or the folder's state was moved into PostgreSQL
 */
export async function openState(stateDir: string, options: StateOptions = {}): Promise<State> {
  const { warn, pid = process.pid, fleet } = options;
  if (fleet) {
    const { openFleetState } = await import('./fleet/fleet-state.ts');
    return await openFleetState(stateDir, fleet, { pid, warn });
  }
  const database = await openDatabase(stateDir, { warn });
  try {
    await database.read(sql => refuseMoved(sql, { asSpool: false }));
  } catch (error) {
    await database.close();
    throw error;
  }
  return stateOver(database, { pid, stateDir });
}

/** False if opening the state would make a new one. */
export function hasState(stateDir: string): boolean {
  return existsSync(join(stateDir, 'state.db'));
}

/**
 * A state in memory, for one process, where none can be kept.
 * @param options.fleet its state cannot be used, and may hold deliveries
 * @param options.instead the folder of a state that cannot be used: if it may hold deliveries, nothing is sent around it
 */
export async function openTemporaryState(
  options: Pick<StateOptions, 'pid' | 'fleet'> & { instead?: string | undefined } = {},
): Promise<State> {
  const { pid = process.pid, instead, fleet } = options;
  const isBlocked = fleet !== undefined || (instead !== undefined && (await mayHoldDeliveries(instead)));
  return stateOver(await openTemporaryDatabase(), { pid, isBlocked });
}

/**
 * Opens the state of a folder, or of a fleet, for looking at alone: creates, upgrades and locks nothing.
 * @param options.warn gets one line if the fleet's database is away, and the answers are of this machine alone
 * @returns undefined if there is no state yet
 * @throws AppError `STATE` if it cannot be read, `CONFIG` if it is somebody else's
 */
export async function openOverview(
  stateDir: string,
  { fleet, warn }: Pick<StateOptions, 'fleet' | 'warn'> = {},
): Promise<OpenOverview | undefined> {
  if (!fleet) return await openReadOnly(stateDir);
  const { openFleetOverview } = await import('./fleet/overview.ts');
  return await openFleetOverview(stateDir, fleet, warn);
}

/**
 * What `doctor` shows of a fleet's database.
 * @param stateDir folder of this machine, which remembers failovers
 * @throws AppError `STATE` if it cannot be used
 */
export async function lookAtDatabase(fleet: FleetOptions, stateDir: string): Promise<DatabaseFacts> {
  const { lookAtDatabase } = await import('./postgres/facts.ts');
  const { timelinesSeen } = await import('./fleet/timelines.ts');
  return await lookAtDatabase(fleet, await timelinesSeen(stateDir));
}

/** The SQL that makes or upgrades a fleet's schema, and lets a role use it. */
export async function schemaSql(role: string): Promise<string> {
  const { schemaSql } = await import('./postgres/schema-sql.ts');
  return schemaSql(role);
}

/** How long the check waits for a process that has the file locked. */
const CHECK_PATIENCE_MS = 5_000;

/**
 * Checks the whole state of a folder, in a thread of its own: that takes seconds if it is large.
 * @returns what is wrong with it; undefined if it is sound
 * @throws the signal's reason once it aborts; AppError `CONFIG` if the state is somebody else's
 */
export async function findFlaw(stateDir: string, signal: AbortSignal): Promise<string | undefined> {
  const settings = { readOnly: true, timeoutMs: CHECK_PATIENCE_MS, signal };
  await awaitStateFolder(stateDir);
  refuseForeignState(stateDir);
  try {
    return (await checkFile(join(stateDir, 'state.db'), settings))?.message;
  } catch (error) {
    if (signal.aborted) throw error;
    return (error as Error).message;
  }
}
