import { createInterface } from 'node:readline/promises';
import { AppError } from '../../core/errors.ts';
import type { Invocation } from '../program/command.ts';

/**
 * Asks before something that cannot be taken back; `--yes` answers beforehand.
 * @param what completes "… without a terminal needs --yes"
 * @returns whether to go on; anything but yes is no
 * @throws AppError `USAGE` where there is nobody to ask; the signal's reason once it aborts
 */
export async function confirm(
  { what, question }: { what: string; question: string },
  { options, terminal, signal }: Pick<Invocation, 'options' | 'terminal' | 'signal'>,
): Promise<boolean> {
  if (options.yes) return true;
  const { stdin, stderr } = terminal;
  if (!stdin.isTTY || !stderr.isTTY) {
    throw new AppError('USAGE', `${what} without a terminal needs --yes`, { hint: 'look first with --dry-run' });
  }
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    // readline takes Ctrl-C for itself; the end of the input (Ctrl-D) leaves the question open for ever.
    lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    const closed = new Promise<string>(resolve => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    lines.close();
  }
}
