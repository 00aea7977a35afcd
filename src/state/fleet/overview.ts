import { openPostgresOverview } from '../postgres/postgres-state.ts';
import { openReadOnly } from '../sqlite/read-only.ts';
import type { FleetOptions, OpenOverview } from '../state.ts';
import { isUnusable } from './remote.ts';

/**
 * Opens the state of a fleet for looking at alone; while its database is away, what this machine knows.
 * @param warn gets one line then
 * @returns undefined if there is none yet
 * @throws AppError `STATE` if neither can be read
 */
export async function openFleetOverview(
  stateDir: string,
  fleet: FleetOptions,
  warn: (message: string) => void = () => {},
): Promise<OpenOverview | undefined> {
  try {
    return await openPostgresOverview(fleet);
  } catch (error) {
    if (!isUnusable(error)) throw error;
    warn(`${error.message}; this is what this machine (${fleet.machine}) knows`);
    const own = await openReadOnly(stateDir, { asSpool: true });
    return own && { ...own, isAlone: true };
  }
}
