import { afterWork } from '../alerts/after-work.ts';
import type { Generations } from './generations.ts';

/** Tells people what is wrong, and the heartbeat service that all is well. */
export interface Alerts {
  /** Begins if it is due. @returns how long nothing will be, in milliseconds */
  pump(): Promise<number>;
  /** Resolves once what is under way has ended. */
  idle(): Promise<void>;
}

/** How often it looks for causes; a message that could not be sent waits at least as long. */
const LOOK_EVERY_MS = 5_000;
/** The same where a fleet shares the state: each machine looks. */
const SHARED_EVERY_MS = 60_000;
const BEAT_EVERY_MS = 60_000;

/**
 * @param options.isWell nothing has failed that is not done since
 * @param options.onEnd called when a look has ended
 */
export function createAlerts(
  generations: Generations,
  { isWell, onEnd, onFailure }: { isWell: () => boolean; onEnd: () => void; onFailure: (error: unknown) => void },
): Alerts {
  let dueAt = generations.runtime.clock.monotonic();
  let beatAt = dueAt;
  let running: Promise<void> | undefined;
  return {
    async pump() {
      const { clock, config } = generations.runtime;
      if (config.alerts.length + config.heartbeatUrls.length === 0) return Number.POSITIVE_INFINITY;
      const now = clock.monotonic();
      // The end of the last one rings.
      if (running) return Number.POSITIVE_INFINITY;
      if (dueAt > now) return dueAt - now;
      const { changes } = await generations.runtime.state();
      const everyMs = changes ? SHARED_EVERY_MS : LOOK_EVERY_MS;
      dueAt = now + everyMs;
      const isGood = isWell() && beatAt <= now;
      if (isGood) beatAt = now + BEAT_EVERY_MS;
      running = generations
        .use(runtime => afterWork({ kind: 'pass', isGood }, runtime))
        .catch(onFailure)
        .finally(() => {
          running = undefined;
          onEnd();
        });
      return everyMs;
    },
    idle: async () => {
      await running;
    },
  };
}
