import { shellQuoted } from '../../core/shell-quoted.ts';
import { printable } from '../../core/text.ts';
import { formatDuration } from '../../core/units.ts';
import type { QueuedUpload } from '../../core/upload/queue.ts';

/** A refused folder: since when, why, what to do, and how to end it. */
export function refusalLines({ dir, machine, since, reason, hint }: QueuedUpload, now: number): string[] {
  return [
    `  ${printable(dir)}  ${onMachine(machine)}for ${formatDuration(Math.max(0, now - since))}`,
    ...(reason === null ? [] : [`    ${printable(reason)}`]),
    ...(hint === null ? [] : [`    next: ${printable(hint)}`]),
    `    if nobody wants it: recordupload forget ${shellQuoted(dir)}${machine === undefined ? '' : ` on ${printable(machine)}`}`,
  ];
}

/** A folder whose upload begins by itself: since when it waits, and why. */
export function queuedLines({ dir, machine, since, reason, hint, nextAt }: QueuedUpload, now: number): string[] {
  const again = nextAt <= now ? '' : `; next look in ${formatDuration(nextAt - now)}`;
  return [
    `  ${printable(dir)}  ${onMachine(machine)}for ${formatDuration(Math.max(0, now - since))}`,
    ...(reason === null ? [] : [`    ${printable(reason)}${again}`]),
    ...(hint === null ? [] : [`    next: ${printable(hint)}`]),
  ];
}

function onMachine(machine: string | undefined): string {
  return machine === undefined ? '' : `on ${printable(machine)}, `;
}
