import type { Runtime } from '../runtime.ts';
import type { Generations } from './generations.ts';
import type { Pump } from './pump.ts';

export interface Chore {
  /** How long after the start it is done first: uploads that are due come before it. */
  firstMs: number;
  everyMs: number;
  work(runtime: Runtime): Promise<unknown>;
}

/** After a failure of one that is done seldom. */
const AFTER_FAILURE_MS = 3_600_000;

/**
 * Does chores now and then, each by itself.
 * @param onEnd called when one has ended
 * @param onFailure gets what one fails with
 */
export function createHouse(
  chores: readonly Chore[],
  generations: Generations,
  { onEnd, onFailure }: { onEnd: () => void; onFailure: (error: unknown) => void },
): Pump {
  const now = () => generations.runtime.clock.monotonic();
  const startedAt = now();
  const dueAt = new Map(chores.map(chore => [chore, startedAt + chore.firstMs]));
  const running = new Map<Chore, Promise<void>>();
  const begin = (chore: Chore) => {
    const { signal } = generations.runtime;
    const task = generations
      .use(chore.work)
      .then(
        () => chore.everyMs,
        error => {
          if (!signal.aborted) onFailure(error);
          return Math.min(chore.everyMs, AFTER_FAILURE_MS);
        },
      )
      .then(pauseMs => {
        dueAt.set(chore, now() + pauseMs);
        running.delete(chore);
        onEnd();
      });
    running.set(chore, task);
  };
  return {
    async pump() {
      const idle = () =>
        chores.filter(chore => !running.has(chore)).map(chore => ({ chore, at: dueAt.get(chore) ?? 0 }));
      for (const { chore, at } of idle()) if (at <= now()) begin(chore);
      return Math.max(0, Math.min(...idle().map(({ at }) => at)) - now());
    },
    idle: async () => {
      await Promise.all(running.values());
    },
  };
}
