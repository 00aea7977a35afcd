import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { inPool, places } from '../../src/core/pool.ts';

const never = new AbortController().signal;

/** Work that ends when the test says so, and a record of what was begun. */
function stage() {
  const begun: string[] = [];
  const ends = new Map<string, { resolve(value: string): void; reject(error: unknown): void }>();
  const work = (item: string, signal: AbortSignal) => {
    begun.push(item);
    return new Promise<string>((resolve, reject) => {
      ends.set(item, { resolve, reject });
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  };
  return {
    begun,
    work,
    finish: (item: string) => ends.get(item)?.resolve(item.toUpperCase()),
    fail: (item: string, error: unknown) => ends.get(item)?.reject(error),
  };
}

describe('a pool', () => {
  test('works on so many at once, begins them in their order, and returns the results in that order', async () => {
    const { begun, work, finish } = stage();
    const results = inPool(['a', 'b', 'c', 'd'], { atOnce: 2, signal: never }, work);
    await turn();
    expect(begun).toEqual(['a', 'b']);
    finish('b');
    await turn();
    expect(begun).toEqual(['a', 'b', 'c']);
    finish('c');
    await turn();
    finish('d');
    await turn();
    finish('a');
    expect(await results).toEqual(['A', 'B', 'C', 'D']);
  });

  test('of nothing returns nothing', async () => {
    expect(await inPool([], { atOnce: 3, signal: never }, async () => 1)).toEqual([]);
  });

  test('the first failure stops those under way and begins no further; it is thrown once all have ended', async () => {
    const { begun, work, fail } = stage();
    const ended: string[] = [];
    const results = inPool(['a', 'b', 'c'], { atOnce: 2, signal: never }, async (item, signal) => {
      try {
        return await work(item, signal);
      } finally {
        await turn();
        ended.push(item);
      }
    });
    await turn();
    fail('b', new Error('b failed'));
    await expect(results).rejects.toThrow('b failed');
    expect([begun, ended.sort()]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  test('an abort begins no further item, and what has ended by then is returned', async () => {
    const { begun, work, finish } = stage();
    const stop = new AbortController();
    const results = inPool(['a', 'b', 'c', 'd'], { atOnce: 2, signal: stop.signal }, work);
    await turn();
    finish('a');
    await turn();
    stop.abort(new Error('interrupted'));
    expect(await results).toEqual(['A']);
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  test('an item that fails for a reason of its own while the caller aborts is not forgotten', async () => {
    const { work, fail } = stage();
    const stop = new AbortController();
    const results = inPool(['a'], { atOnce: 1, signal: stop.signal }, async (item, signal) => {
      await work(item, signal).catch(() => {});
      throw new Error('the state is full');
    });
    await turn();
    stop.abort(new Error('interrupted'));
    fail('a', stop.signal.reason);
    await expect(results).rejects.toThrow('the state is full');
  });

  test('an aborted signal begins nothing', async () => {
    const { begun, work } = stage();
    expect(await inPool(['a'], { atOnce: 1, signal: AbortSignal.abort() }, work)).toEqual([]);
    expect(begun).toEqual([]);
  });

  test('items may come one by one, and others may say how many are worked on', async () => {
    async function* items() {
      yield 'a';
      await turn();
      yield 'b';
    }
    let taken = 0;
    const places: string[] = [];
    const atOnce = async () => {
      places.push(`take ${++taken}`);
      return () => {
        places.push('leave');
      };
    };
    expect(await inPool(items(), { atOnce, signal: never }, async item => item)).toEqual(['a', 'b']);
    expect(places.sort()).toEqual(['leave', 'leave', 'take 1', 'take 2']);
  });

  test('a number of places that changes counts from the next place that is taken or given back', async () => {
    let most = 1;
    const { begun, work, finish } = stage();
    const results = inPool([...'abcdef'], { atOnce: places(() => most), signal: never }, work);
    await turn();
    expect(begun).toEqual(['a']);
    most = 3;
    finish('a');
    await turn();
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
    most = 1;
    finish('b');
    finish('c');
    await turn();
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
    finish('d');
    await turn();
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
    finish('e');
    await turn();
    finish('f');
    expect(await results).toEqual([...'ABCDEF']);
  });

  test('items that cannot be made stop those under way', async () => {
    const { begun, work } = stage();
    async function* items() {
      yield 'a';
      await turn();
      throw new Error('the disk is gone');
    }
    await expect(inPool(items(), { atOnce: 2, signal: never }, work)).rejects.toThrow('the disk is gone');
    expect(begun).toEqual(['a']);
  });
});
