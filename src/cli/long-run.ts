import { setFlagsFromString } from 'node:v8';
import type { CoreEvent } from '../core/events.ts';

/** A run that has finished so many files will finish more: a single recording has three, and its metadata.json. */
const FILES_OF_A_LONG_RUN = 16;

/**
 * Keeps the memory of a run small that uploads many recordings. Left alone, V8 lets garbage grow to some 130 MiB before it
 * looks at it, because every collection meets requests that are under way and takes them for data that stays. Short runs are
 * left alone: they end before the garbage grows, and V8 refuses code caches that were made under other flags.
 *
 * @returns the observer to use in its place
 */
export function keepLongRunsSmall(observe: (event: CoreEvent) => void): (event: CoreEvent) => void {
  let files = 0;
  return event => {
    if (event.type === 'file-finished' && ++files === FILES_OF_A_LONG_RUN) limitGarbage();
    observe(event);
  };
}

/** V8 reads both flags whenever it decides about a size, so they count from now on. The sizes that it has reached stay. */
function limitGarbage(): void {
  // The space for new objects no longer doubles; it has 8 or 16 MiB by then.
  setFlagsFromString('--semi-space-growth-factor=1');
  // The old objects are collected once they take 1.6 times what they needed after the last collection, not 2 to 4 times.
  setFlagsFromString('--heap-growing-percent=60');
}
