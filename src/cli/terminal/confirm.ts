import { AppError } from '../../core/errors.ts';
import type { Invocation } from '../program/command.ts';
import { askYes, canAsk } from './prompt.ts';

/**
 * Asks before something that cannot be undone; `--yes` answers beforehand.
 * @param what completes "… without a terminal needs --yes"
 * @returns true if the user said yes
 * @throws AppError `USAGE` where there is nobody to ask; the signal's reason once it aborts
 */
export async function confirm(
  { what, question }: { what: string; question: string },
  { options, terminal, signal }: Pick<Invocation, 'options' | 'terminal' | 'signal'>,
): Promise<boolean> {
  if (options.yes) return true;
  if (!canAsk(terminal)) {
    throw new AppError('USAGE', `${what} without a terminal needs --yes`, { hint: 'look first with --dry-run' });
  }
  return await askYes(question, { terminal, signal });
}
