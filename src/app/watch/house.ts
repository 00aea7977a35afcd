import type { Generations } from './generations.ts';
import { keepHouse } from './housekeeping.ts';

/** Tidies up now and then. */
export interface House {
  /** Begins if it is due. @returns how long nothing will be, in milliseconds */
  pump(): Promise<number>;
  /** Resolves once what is under way has ended. */
  idle(): Promise<void>;
}

/** Uploads that are due come first. */
const FIRST_MS = 60_000;
const EVERY_MS = 86_400_000;
const AFTER_FAILURE_MS = 3_600_000;

export function createHouse(
  generations: Generations,
  { onEnd, onFailure }: { onEnd: () => void; onFailure: (error: unknown) => void },
): House {
  let dueAt = generations.runtime.clock.monotonic() + FIRST_MS;
  let running: Promise<void> | undefined;
  return {
    async pump() {
      const { clock, signal } = generations.runtime;
      if (dueAt <= clock.monotonic()) {
        dueAt = clock.monotonic() + EVERY_MS;
        running = generations
          .use(keepHouse)
          .catch(error => {
            if (signal.aborted) return;
            dueAt = clock.monotonic() + AFTER_FAILURE_MS;
            onFailure(error);
          })
          .finally(onEnd);
      }
      return dueAt - clock.monotonic();
    },
    idle: async () => {
      await running;
    },
  };
}
