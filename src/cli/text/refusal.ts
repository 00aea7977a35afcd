import { printable, shellQuoted } from '../../core/text.ts';
import { formatDuration } from '../../core/units.ts';
import type { Refusal } from '../../core/upload/refusals.ts';

/** A refused folder: since when, why, what to do, and how to end it. */
export function refusalLines({ dir, since, error, hint }: Refusal, now: number): string[] {
  return [
    `  ${printable(dir)}  for ${formatDuration(Math.max(0, now - since))}`,
    `    ${printable(error)}`,
    ...(hint === null ? [] : [`    next: ${printable(hint)}`]),
    `    if nobody wants it: recordupload forget ${shellQuoted(dir)}`,
  ];
}
