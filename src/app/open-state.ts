import { AppError, OPEN_FILES_HINT } from '../core/errors.ts';
import { type FleetOptions, hasState, openState as open, openTemporaryState, type State } from '../state/open.ts';

export { hasState };

/** What to do if the state cannot be used: fail, or continue with a state in memory that ends with the process. */
export type WithoutState = 'refuse' | 'continue';

/**
 * Opens the state, and creates it if there is none.
 * @param options.warn gets one line for each thing that was lost or cannot be kept
 * @throws AppError `STATE` if it cannot be used and `withoutState` is `refuse`
 */
export async function openState(
  stateDir: string,
  options: { withoutState: WithoutState; warn: (message: string) => void; fleet: FleetOptions | undefined },
): Promise<State> {
  const { withoutState, warn, fleet } = options;
  try {
    return await open(stateDir, { warn, fleet });
  } catch (error) {
    if (withoutState === 'refuse' || !(error instanceof AppError) || error.code !== 'STATE') throw error;
    return await openStateInstead(stateDir, error, { warn, fleet });
  }
}

/**
 * A state in memory, where the state cannot be used.
 * @param error why; the warning says so
 * @throws the error if the process has too few descriptors
 */
export async function openStateInstead(
  stateDir: string,
  error: AppError,
  { warn, fleet }: { warn: (message: string) => void; fleet: FleetOptions | undefined },
): Promise<State> {
  // Too few descriptors for the state are too few for the upload as well.
  if (error.hint === OPEN_FILES_HINT) throw error;
  const why = error.hint ? `${error.message} (${error.hint})` : error.message;
  const state = await openTemporaryState({ instead: stateDir, fleet });
  const blocked = state.isBlocked ? ', and no webhook is sent, because it may hold older ones' : '';
  warn(`${why}; continuing without it: what fails in this run is not kept and cannot be resumed${blocked}`);
  return state;
}
