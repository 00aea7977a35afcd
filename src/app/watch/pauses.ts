/** Folders that wait for a while. */
export interface Pauses {
  add(dir: string, ms: number): void;
  has(dir: string): boolean;
  readonly size: number;
}

/** @param now milliseconds of the monotonic clock */
export function createPauses(now: () => number): Pauses {
  const until = new Map<string, number>();
  return {
    add: (dir, ms) => {
      until.set(dir, now() + ms);
    },
    has(dir) {
      const at = until.get(dir);
      if (at !== undefined && at <= now()) until.delete(dir);
      return until.has(dir);
    },
    get size() {
      return until.size;
    },
  };
}
