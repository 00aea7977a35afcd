import { AppError } from '../core/errors.ts';
import type { MovedState } from '../state/transfer/open-sides.ts';
import { fleetOf } from './open-fleet.ts';
import type { Runtime } from './runtime.ts';

export interface MoveRequest {
  /** Where the state is afterwards. */
  to: 'postgres' | 'sqlite';
  /** Count what would be moved, and move nothing. */
  dryRun: boolean;
}

export interface MoveResult extends MoveRequest, Omit<MovedState, 'merged'> {
  machine: string;
}

/**
 * Moves this machine's state from its SQLite file into PostgreSQL, or back: all of it, compared, and then removed where it
 * was.
 * @throws AppError `CONFIG` without `stateUrl`, `BUSY` while a process works on either side, `STATE`, `VERIFICATION`; the
 * signal's reason
 */
export async function moveState({ to, dryRun }: MoveRequest, runtime: Runtime): Promise<MoveResult> {
  const { config, clock, signal, observer, userAgent } = runtime;
  const fleet = fleetOf(config, userAgent);
  if (!fleet) {
    throw new AppError('CONFIG', 'stateUrl is missing: nothing says where PostgreSQL is', {
      hint: 'set stateUrl (RECORDUPLOAD_STATE_URL) to postgres://user@host/database, also to move the state back from there',
    });
  }
  await runtime.firstLook(config.stateDir);
  const { openAndMove } = await import('../state/transfer/open-sides.ts');
  const warn = (message: string) => observer({ type: 'warning', message, isLoss: true });
  const options = { to, dryRun, now: clock.now(), signal, warn };
  const { merged: _, ...moved } = await openAndMove(config.stateDir, fleet, options);
  return { to, dryRun, machine: config.machine, ...moved };
}
