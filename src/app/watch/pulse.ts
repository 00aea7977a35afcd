import type { Generations } from './generations.ts';

const EVERY_MS = 30_000;
/** Where a fleet shares the state: every note is a question to its database. */
const SHARED_EVERY_MS = 60_000;

/**
 * Notes in the state, now and then, that the worker looked after everything: monitoring sees by it that the worker lives
 * and works.
 * @returns to be called after each pass in which nothing failed; throws AppError `STATE`
 */
export function createPulse(generations: Generations): () => Promise<void> {
  let notedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const { clock, state } = generations.runtime;
    if (clock.monotonic() - notedAt < EVERY_MS) return;
    const { notePass, changes } = await state();
    if (changes && clock.monotonic() - notedAt < SHARED_EVERY_MS) return;
    notedAt = clock.monotonic();
    await notePass(clock.now());
  };
}
