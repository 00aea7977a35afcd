import { printable } from '../../core/text.ts';
import { formatDuration } from '../../core/units.ts';
import type { Refusal } from '../../core/upload/refusals.ts';

/** A refused folder: since when, why, and what to do. */
export function refusalLines({ dir, since, error, hint }: Refusal, now: number): string[] {
  return [
    `  ${printable(dir)}  for ${formatDuration(Math.max(0, now - since))}`,
    `    ${printable(error)}`,
    ...(hint === null ? [] : [`    next: ${printable(hint)}`]),
  ];
}
