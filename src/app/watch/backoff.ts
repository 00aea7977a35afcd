/** Pauses between tries of an upload that failed; the last one repeats. */
const PAUSES_MS = [5_000, 30_000, 120_000, 600_000, 1_800_000] as const;

/** How soon to look again at what another process is working on. */
const BUSY_MS = 30_000;

/** When uploads that failed are tried again. Times are on the monotonic clock. */
export interface UploadBackoff {
  /** @returns the pause before the next try, in milliseconds */
  failed(id: string, monotonic: number): number;
  /** Another process is at work on it, which is no failure: it may be left behind at any time. */
  busy(id: string, monotonic: number): void;
  /** It needs no further try. */
  ended(id: string): void;
  /** Forgets all that are none of these. */
  keepOnly(ids: ReadonlySet<string>): void;
  /** Something has changed for all of them: the next try of each is due. */
  hurry(): void;
  /** How long the next try has to wait; 0 for one that has not failed. */
  waitMs(id: string, monotonic: number): number;
}

export function createBackoff(): UploadBackoff {
  const failures = new Map<string, { tries: number; nextAt: number }>();
  return {
    failed(id, monotonic) {
      const tries = failures.get(id)?.tries ?? 0;
      const pauseMs = PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] ?? 0;
      failures.set(id, { tries: tries + 1, nextAt: monotonic + pauseMs });
      return pauseMs;
    },
    busy(id, monotonic) {
      failures.set(id, { tries: failures.get(id)?.tries ?? 0, nextAt: monotonic + BUSY_MS });
    },
    ended: id => {
      failures.delete(id);
    },
    keepOnly(ids) {
      for (const id of failures.keys()) if (!ids.has(id)) failures.delete(id);
    },
    hurry() {
      for (const one of failures.values()) one.nextAt = 0;
    },
    waitMs: (id, monotonic) => Math.max(0, (failures.get(id)?.nextAt ?? 0) - monotonic),
  };
}
