import type { Runtime } from '../runtime.ts';

/** The runtime that new work begins with. Work under way keeps the one that it began with, which is closed after it. */
export interface Generations extends AsyncDisposable {
  readonly runtime: Runtime;
  /** Works with the present runtime, and keeps it open until that has ended. */
  use<T>(work: (runtime: Runtime) => Promise<T>): Promise<T>;
  /** New work begins with this one. */
  replace(runtime: Runtime): void;
}

interface Generation {
  runtime: Runtime;
  users: number;
}

/** @param onFailure gets what closing an old runtime fails with */
export function createGenerations(first: Runtime, onFailure: (error: unknown) => void): Generations {
  let present: Generation = { runtime: first, users: 0 };
  const ending = new Set<Promise<void>>();
  const end = ({ runtime }: Generation) => {
    const closed = Promise.resolve(runtime[Symbol.asyncDispose]()).catch(onFailure);
    ending.add(closed);
    void closed.then(() => ending.delete(closed));
  };
  return {
    get runtime() {
      return present.runtime;
    },
    async use(work) {
      const mine = present;
      mine.users++;
      try {
        return await work(mine.runtime);
      } finally {
        mine.users--;
        if (mine !== present && mine.users === 0) end(mine);
      }
    },
    replace(runtime) {
      const before = present;
      present = { runtime, users: 0 };
      if (before.users === 0) end(before);
    },
    async [Symbol.asyncDispose]() {
      end(present);
      await Promise.all(ending);
    },
  };
}
