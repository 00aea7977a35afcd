import { AppError } from '../core/errors.ts';
import { type Database, openDatabase, openTemporaryDatabase } from '../state/sqlite/database.ts';
import { errorText } from './failure.ts';

/** What a command does where the state cannot be used: say so and end, or go on with one that ends with it. */
export type WithoutState = 'refuse' | 'go-on';

/**
 * Opens the state.
 * @param warn is told what was lost, or cannot be kept, in one line
 * @throws AppError `STATE` where it cannot be used and the command is nothing without it
 */
export function openState(
  stateDir: string,
  { withoutState, warn }: { withoutState: WithoutState; warn: (message: string) => void },
): Database {
  try {
    return openDatabase(stateDir, { warn });
  } catch (error) {
    if (withoutState === 'refuse' || !(error instanceof AppError) || error.code !== 'STATE') throw error;
    warn(`${errorText(error)}; going on without it: what fails in this run is not kept, and cannot be resumed`);
    return openTemporaryDatabase();
  }
}
