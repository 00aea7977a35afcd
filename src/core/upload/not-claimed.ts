import { AppError } from '../errors.ts';
import type { BeginResult } from './live-journal.ts';

/** Why a recording could not be claimed. */
export function notClaimed(id: string, refused: Exclude<BeginResult, { ok: true }>): AppError {
  if ('pid' in refused) {
    const who = `pid ${refused.pid}${refused.machine === undefined ? '' : ` on ${refused.machine}`}`;
    return new AppError('BUSY', `another process (${who}) is at work on recording ${id}`, {
      hint: 'wait until it has ended; recordupload status shows what it does',
    });
  }
  return new AppError('RECORDING', `machine ${refused.machine} has a recording with the ID ${id}`, {
    hint: `give this one another ID: --id, or an idPrefix in the configuration of each machine whose recorder counts from 1; if this machine was called ${refused.machine} before, call it so again: machine (RECORDUPLOAD_MACHINE)`,
  });
}
