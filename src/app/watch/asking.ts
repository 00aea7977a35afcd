import type { Changes } from '../open-fleet.ts';
import type { Generations } from './generations.ts';

/**
 * Whether to ask the state what is due. A state of this machine alone is asked each time. One that a fleet shares is asked
 * when somebody tells of something new, when something has ended here, and now and then.
 */
export interface Asking {
  /** @returns whether to ask now; what was heard so far is answered by that */
  take(): Promise<boolean>;
  /** Something has ended or changed here: ask at the next opportunity. */
  hint(): void;
}

/** @param wake called when somebody tells of something new */
export function createAsking(generations: Generations, wake: () => void): Asking {
  let isHinted = true;
  let askedAt = Number.NEGATIVE_INFINITY;
  let heard: Changes | undefined;
  const hint = () => {
    isHinted = true;
  };
  return {
    hint,
    async take() {
      const { clock, state } = generations.runtime;
      const { changes } = await state();
      if (!changes) return true;
      if (changes !== heard) {
        // The configuration was read again, and this is another connection; the one before is closed with its state.
        heard = changes;
        changes.subscribe(() => {
          hint();
          wake();
        });
        isHinted = true;
      }
      if (!isHinted && clock.monotonic() - askedAt < changes.pauseMs()) return false;
      isHinted = false;
      askedAt = clock.monotonic();
      return true;
    },
  };
}
