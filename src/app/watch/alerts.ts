import { afterWork } from '../alerts/after-work.ts';
import type { Generations } from './generations.ts';
import { createRun, type Pump } from './pump.ts';

/** How often it looks for causes; a message that could not be sent waits at least as long. */
const LOOK_EVERY_MS = 5_000;
/** The same where a fleet shares the state: each machine looks. */
const SHARED_EVERY_MS = 60_000;
const BEAT_EVERY_MS = 60_000;

/**
 * Tells people what is wrong, and the heartbeat service that all is well.
 * @param options.isWell nothing has failed that is not done since
 * @param options.onEnd called when a look has ended
 */
export function createAlerts(
  generations: Generations,
  { isWell, onEnd, onFailure }: { isWell: () => boolean; onEnd: () => void; onFailure: (error: unknown) => void },
): Pump {
  let dueAt = generations.runtime.clock.monotonic();
  let beatAt = dueAt;
  const run = createRun(onEnd);
  return {
    async pump() {
      const { clock, config } = generations.runtime;
      if (config.alerts.length + config.heartbeatUrls.length === 0) return Number.POSITIVE_INFINITY;
      const now = clock.monotonic();
      // The end of the last one rings.
      if (run.isRunning) return Number.POSITIVE_INFINITY;
      if (dueAt > now) return dueAt - now;
      const { changes } = await generations.runtime.state();
      const everyMs = changes ? SHARED_EVERY_MS : LOOK_EVERY_MS;
      dueAt = now + everyMs;
      const isGood = isWell() && beatAt <= now;
      if (isGood) beatAt = now + BEAT_EVERY_MS;
      run.begin(generations.use(runtime => afterWork({ kind: 'pass', isGood }, runtime)).catch(onFailure));
      return everyMs;
    },
    idle: run.idle,
  };
}
