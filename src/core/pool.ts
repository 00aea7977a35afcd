/** A place in a pool: waits until there is one; the returned function gives it back. Rejects once the signal aborts. */
export type TakePlace = (signal: AbortSignal) => Promise<() => void>;

export interface PoolOptions {
  /** How many items are worked on at once, or who decides that while the pool runs (`InFlight.acquire`). */
  atOnce: number | TakePlace;
  /** Ends the pool early: see `inPool`. */
  signal: AbortSignal;
}

/**
 * Works on items, several at once, begun in their order.
 *
 * The first failure stops the rest: no further item is begun, the signal of those under way aborts with it, and it is
 * thrown once all of them have ended, so that nothing runs on behind an error's back. Once `options.signal` aborts, no
 * further item is begun either; the pool waits for those under way and returns the results that there are. A caller
 * that needs all of them calls `signal.throwIfAborted()` afterwards.
 * @param work must listen to the signal that it gets, which aborts in both cases
 * @returns the results in the order of the items
 */
export async function inPool<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  { atOnce, signal }: PoolOptions,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const takePlace = typeof atOnce === 'number' ? places(atOnce) : atOnce;
  const results: { at: number; result: Result }[] = [];
  const running = new Set<Promise<void>>();
  // What an item rejects with because the caller aborted is no failure of its own.
  const fail = (error: unknown) => {
    if (!(signal.aborted && error === signal.reason)) stop.abort(error);
  };
  let at = 0;
  try {
    for await (const item of items) {
      if (either.aborted) break;
      const leave = await takePlace(either);
      if (either.aborted) {
        leave();
        break;
      }
      const place = at++;
      const one: Promise<void> = work(item, either)
        .then(result => {
          results.push({ at: place, result });
        }, fail)
        .finally(() => {
          running.delete(one);
          leave();
        });
      running.add(one);
    }
  } catch (error) {
    fail(error);
  }
  await Promise.all(running);
  stop.signal.throwIfAborted();
  return results.sort((a, b) => a.at - b.at).map(({ result }) => result);
}

/**
 * Places, given out in the order in which they are asked for.
 * @param number how many; a function is asked again whenever a place is taken or given back
 */
export function places(number: number | (() => number)): TakePlace {
  const most = typeof number === 'number' ? () => number : number;
  let taken = 0;
  const waiting: (() => void)[] = [];
  const admit = () => {
    while (waiting.length > 0 && taken < most()) {
      taken++;
      waiting.shift()?.();
    }
  };
  const leave = () => {
    taken--;
    admit();
  };
  return signal =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const enter = () => {
        signal.removeEventListener('abort', give);
        resolve(leave);
      };
      const give = () => {
        waiting.splice(waiting.indexOf(enter), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', give, { once: true });
      waiting.push(enter);
      admit();
    });
}
