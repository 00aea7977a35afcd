import { AppError } from '../core/errors.ts';
import type { KnownOfRecording } from '../core/status/overview.ts';
import { printable } from '../core/text.ts';

/**
 * What is known of a recording, where the machine that was asked for has it.
 * @throws AppError `USAGE` if other machines have it
 */
export function ofMachine(id: string, known: KnownOfRecording, machine: string | undefined): KnownOfRecording {
  const { recordings, queue } = known;
  const owners = [...recordings, ...queue].map(one => one.machine);
  if (machine === undefined || owners.includes(machine)) return known;
  // Webhooks alone are nobody's: somebody sent them with `webhook send`.
  if (owners.length === 0) return known;
  const others = [...new Set(owners.map(one => printable(one ?? '')))].join(', ');
  throw new AppError('USAGE', `recording ${id} is not one of machine ${printable(machine)}`, {
    hint: `it is one of ${others}: leave --machine out`,
  });
}
