import { AppError } from '../core/errors.ts';
import type { StateDamage } from '../core/status/overview.ts';
import { printable } from '../core/text.ts';

/** The error for a state of which only a part can be read. */
export function damagedState({ file }: StateDamage): AppError {
  return new AppError('STATE', `the state file ${printable(file)} is damaged`, {
    hint: 'recordupload retry sets the file aside and begins a new one',
  });
}
