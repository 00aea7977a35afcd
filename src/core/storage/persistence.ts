import type { Clock, Random } from '../clock.ts';
import { StorageFailure } from './failure.ts';
import { createFullStore } from './full-store.ts';

/** The one retry layer for the bucket: a budget of time without progress, shared by everything that is in flight. */
export interface Persistence {
  /**
   * Runs `attempt` until it succeeds, is refused, or nothing has got on for the length of the budget.
   * @throws StorageFailure the last failure; the signal's reason once it aborts
   */
  run<T>(attempt: () => Promise<T>, call: RetriedCall): Promise<T>;
}

export interface RetriedCall {
  signal: AbortSignal;
  /** True for a call that only looks: its success says that the store is there, not that the upload gets on. */
  looks?: boolean;
  /** How many bytes the last try has sent. */
  sentBytes?: (() => number) | undefined;
  onRetry?: ((failure: StorageFailure, delayMs: number) => void) | undefined;
  /** Asked before each further try whether there is any sense in it; what it throws ends the call. */
  check?: (() => void) | undefined;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/**
 * An endpoint that has not answered once in this run is more likely mistyped than down: say so soon. What was begun is
 * recorded, and `retry` goes on with it.
 */
const FIRST_CONTACT_BUDGET_MS = 15_000;
/** The client learns the server's time from the first refusal; more in a row mean that this does not help. */
const MAX_SKEWED_TRIES = 3;

export function createPersistence({
  budgetMs,
  clock,
  random,
}: {
  budgetMs: number;
  clock: Clock;
  random: Random;
}): Persistence {
  let lastProgress = clock.monotonic();
  let answered = false;
  const fullStore = createFullStore({ budgetMs, clock, random });

  return {
    async run(attempt, { signal, looks = false, sentBytes, onRetry, check }) {
      const call = {};
      let failingSince: number | undefined;
      let skewed = 0;
      using _ = { [Symbol.dispose]: () => fullStore.left(call) };
      for (let tries = 0; ; tries++) {
        signal.throwIfAborted();
        if (!looks) await fullStore.enter(call, signal);
        try {
          const result = await attempt();
          answered = true;
          if (!looks) {
            lastProgress = clock.monotonic();
            fullStore.opened();
          }
          return result;
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          if (!(error instanceof StorageFailure)) throw error;
          answered ||= error.status !== undefined;
          if (error.kind === 'skew' && ++skewed < MAX_SKEWED_TRIES) continue;
          if (error.kind === 'full' && !looks) {
            const facts = { signal, sentBytes: sentBytes?.() ?? 0, lastProgress, onPause: onRetry };
            await fullStore.refused(call, error, facts);
            check?.();
            continue;
          }
          if (error.kind !== 'transient' && error.kind !== 'full') throw error;

          const now = clock.monotonic();
          failingSince ??= now;
          const budget = answered ? budgetMs : Math.min(budgetMs, FIRST_CONTACT_BUDGET_MS);
          // Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
          const backoffMs = Math.round(random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** tries));
          // MinIO asks for a minute whatever is wrong: obeyed to the letter, a restart of seconds would cost that minute,
          // and a short budget its only second try.
          const pauseMs = Math.min(error.pauseMs ?? 0, LONGEST_DELAY_MS, budget / 4);
          const delayMs = Math.round(pauseMs + backoffMs);
          if (now + delayMs - Math.max(lastProgress, failingSince) > budget) throw error;
          onRetry?.(error, delayMs);
          await clock.sleep(delayMs, signal);
          check?.();
        }
      }
    },
  };
}
