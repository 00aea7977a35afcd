import { targetOf } from '../../core/storage/target.ts';
import type { Runtime } from '../runtime.ts';

/** Uploads that were begun and not finished, as far as the state has last been asked. */
export interface UnfinishedUploads {
  /**
   * Asks the state, unless that was done a moment ago.
   * @returns whether it was asked
   * @throws AppError `STATE`
   */
  look(runtime: Runtime): Promise<boolean>;
  readonly all: readonly { id: string; dir: string }[];
  /** The next look asks: something has changed. */
  lookSoon(): void;
}

/** Other processes leave uploads behind, too. */
export const LOOK_FOR_UNFINISHED_MS = 30_000;
/** With `sharedFolders`, so do other machines, and nobody tells of a machine's death. */
const LOOK_FOR_DEAD_MACHINES_MS = 60_000;

export function createUnfinished(): UnfinishedUploads {
  let all: { id: string; dir: string }[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    async look(runtime) {
      const { clock, config } = runtime;
      const { journal, changes } = await runtime.state();
      const pauseMs = Math.min(
        changes?.pauseMs() ?? LOOK_FOR_UNFINISHED_MS,
        config.sharedFolders ? LOOK_FOR_DEAD_MACHINES_MS : Number.POSITIVE_INFINITY,
      );
      if (clock.monotonic() - lookedAt < pauseMs) return false;
      lookedAt = clock.monotonic();
      all = (await journal.unfinished(targetOf(config))).map(({ id, dir }) => ({ id, dir }));
      return true;
    },
    get all() {
      return all;
    },
    lookSoon() {
      lookedAt = Number.NEGATIVE_INFINITY;
    },
  };
}
