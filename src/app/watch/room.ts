import { removeLocal } from '../cleanup/local.ts';
import type { Generations } from './generations.ts';
import { createRun, type Pump } from './pump.ts';

/** Uploads that are due come first. */
const FIRST_MS = 5_000;
const MOST_OFTEN_MS = 5_000;
const LEAST_OFTEN_MS = 3_600_000;
const AFTER_FAILURE_MS = 600_000;
/** Files stay longer than `deleteAfter` says by a hundredth of it, as long as that is no more than an hour. */
const SHARE = 100;

/**
 * Removes local files whose time has come (`deleteAfter`).
 * @param roots the folders that are watched: they stay although they are empty
 */
export function createRoom(
  generations: Generations,
  {
    roots,
    onEnd,
    onFailure,
  }: { roots: () => readonly string[]; onEnd: () => void; onFailure: (error: unknown) => void },
): Pump {
  let notBefore = generations.runtime.clock.monotonic() + FIRST_MS;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const run = createRun(onEnd);

  const look = async () => {
    await generations.use(async runtime => {
      await removeLocal({ dryRun: false, roots: roots() }, runtime);
    });
  };

  return {
    async pump() {
      const { clock, signal, config } = generations.runtime;
      const { deleteAfterMs: ageMs } = config;
      if (ageMs === undefined || run.isRunning) return Number.POSITIVE_INFINITY;
      const everyMs = Math.min(LEAST_OFTEN_MS, Math.max(MOST_OFTEN_MS, ageMs / SHARE));
      const dueAt = Math.max(notBefore, lookedAt + everyMs);
      if (clock.monotonic() < dueAt) return dueAt - clock.monotonic();
      lookedAt = clock.monotonic();
      run.begin(
        look().catch(error => {
          if (signal.aborted) return;
          notBefore = clock.monotonic() + AFTER_FAILURE_MS;
          onFailure(error);
        }),
      );
      return everyMs;
    },
    idle: run.idle,
  };
}
