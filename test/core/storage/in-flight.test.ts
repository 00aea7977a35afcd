import { beforeEach, describe, expect, test } from '@jest/globals';
import { createInFlight, type InFlight } from '../../../src/core/storage/in-flight.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = virtualClock();
});
const { signal } = new AbortController();

const search = () => createInFlight({ fixed: undefined, clock });

/** Asks for more requests than may ever be in flight, so that the number in flight decides the rate. */
function queueMany(inFlight: InFlight): void {
  for (let request = 0; request < 200; request++) void inFlight.acquire(signal);
}

/**
 * Sends over a line for a while, in steps of 50 ms.
 * @param rateOf bytes a millisecond with so many requests in flight
 * @returns every number in flight that was tried, in order
 */
function send(inFlight: InFlight, rateOf: (limit: number) => number, ms = 20_000): number[] {
  const tried = [inFlight.limit];
  for (let passed = 0; passed < ms; passed += 50) {
    clock.advance(50);
    inFlight.moved(rateOf(inFlight.limit) * 50);
    if (inFlight.limit !== tried.at(-1)) tried.push(inFlight.limit);
  }
  return tried;
}

describe('The number of requests in flight begins', () => {
  test.each([
    ['at four for a store nearby', 0.4, 4],
    ['at ten for a store that is 5 ms away', 5, 10],
    ['at forty for a store that is 20 ms away', 20, 40],
    ['at forty-eight at most, however far the store is', 300, 48],
  ])('%s', (_, roundTripMs, expected) => {
    const inFlight = search();
    inFlight.roundTrip(roundTripMs);
    expect(inFlight.limit).toBe(expected);
  });

  test('by the shortest round trip, because the longer ones waited for something else', () => {
    const inFlight = search();
    for (const ms of [40, 10, 30]) inFlight.roundTrip(ms);
    expect(inFlight.limit).toBe(20);
  });

  test('at four while no round trip is known', () => {
    expect(search().limit).toBe(4);
  });
});

describe('The search', () => {
  test('doubles while that moves more, up to sixty-four', () => {
    const inFlight = search();
    queueMany(inFlight);
    expect(send(inFlight, limit => limit * 100)).toEqual([4, 8, 16, 32, 64]);
  });

  test('returns to the best number once more requests move no more', () => {
    const inFlight = search();
    queueMany(inFlight);
    expect(send(inFlight, limit => Math.min(limit, 8) * 100)).toEqual([4, 8, 16, 8]);
  });

  test('takes a gain below 15 % for noise', () => {
    const inFlight = search();
    queueMany(inFlight);
    expect(send(inFlight, limit => (limit > 4 ? 114 : 100))).toEqual([4, 8, 4]);
  });

  test('starts from the first guess, and prefers what it measured to a later guess', () => {
    const inFlight = search();
    inFlight.roundTrip(5);
    queueMany(inFlight);
    expect(send(inFlight, limit => Math.min(limit, 10) * 100)).toEqual([10, 20, 10]);
    inFlight.roundTrip(1);
    expect(inFlight.limit).toBe(10);
  });

  test('does not believe the first 400 ms after a change, which only fill buffers', () => {
    const inFlight = search();
    queueMany(inFlight);
    let changedAt = 0;
    let before = inFlight.limit;
    const rate = (limit: number) => {
      if (limit !== before) changedAt = clock.elapsed() - 50;
      before = limit;
      return clock.elapsed() - changedAt < 400 ? limit * 10_000 : 100;
    };
    expect(send(inFlight, rate)).toEqual([4, 8, 4]);
  });

  test('measures nothing while fewer requests wait than could be sent', async () => {
    const inFlight = search();
    await inFlight.acquire(signal);
    expect(send(inFlight, () => 1_000_000)).toEqual([4]);
  });

  test('begins again when the line becomes faster', () => {
    const inFlight = search();
    queueMany(inFlight);
    send(inFlight, limit => Math.min(limit, 8) * 10);
    expect(inFlight.limit).toBe(8);
    expect(send(inFlight, limit => limit * 10)).toEqual([8]);
    expect(send(inFlight, limit => limit * 20)).toEqual([8, 16, 32, 64]);
  });

  test('begins again when the line has lost half of its rate', () => {
    const inFlight = search();
    queueMany(inFlight);
    send(inFlight, limit => Math.min(limit, 8) * 100);
    expect(send(inFlight, () => 300)).toEqual([8]);
    expect(send(inFlight, limit => limit * 45)).toEqual([8, 16, 32, 64]);
  });
});

describe('A failure', () => {
  test('halves the number, down to one', () => {
    const inFlight = search();
    inFlight.roundTrip(20);
    const limits = Array.from({ length: 8 }, () => {
      inFlight.failed();
      return inFlight.limit;
    });
    expect(limits).toEqual([20, 10, 5, 2, 1, 1, 1, 1]);
  });

  test('is followed by a search from there', () => {
    const inFlight = search();
    queueMany(inFlight);
    send(inFlight, limit => limit * 100);
    inFlight.failed();
    expect(send(inFlight, limit => Math.min(limit, 32) * 100)).toEqual([32]);
    inFlight.failed();
    expect(send(inFlight, limit => limit * 200)).toEqual([16, 32, 64]);
  });
});

describe('A fixed number', () => {
  test('is kept, whatever happens', () => {
    const inFlight = createInFlight({ fixed: 6, clock });
    queueMany(inFlight);
    inFlight.roundTrip(100);
    inFlight.failed();
    expect(send(inFlight, limit => limit * 100)).toEqual([6]);
  });
});

describe('The queue', () => {
  /** Asks for a place and notes when it gets it. */
  function visitor(inFlight: InFlight, name: string, order: string[], abort: AbortSignal = signal) {
    return inFlight.acquire(abort).then(release => {
      order.push(name);
      return release;
    });
  }

  test('lets in as many as the limit, and one for each that leaves, first come, first served', async () => {
    const inFlight = createInFlight({ fixed: 2, clock });
    const order: string[] = [];
    const [first] = ['a', 'b', 'c', 'd'].map(name => visitor(inFlight, name, order));
    const release = await first!;
    await new Promise(setImmediate);
    expect(order).toEqual(['a', 'b']);
    release();
    await new Promise(setImmediate);
    expect(order).toEqual(['a', 'b', 'c']);
  });

  test('lets in those that wait when the limit grows', async () => {
    const inFlight = search();
    const order: string[] = [];
    for (let name = 0; name < 12; name++) void visitor(inFlight, String(name), order);
    await new Promise(setImmediate);
    expect(order).toHaveLength(4);
    inFlight.roundTrip(5);
    await new Promise(setImmediate);
    expect(order).toHaveLength(10);
  });

  test('lets nobody in after a failure until enough have left', async () => {
    const inFlight = search();
    const order: string[] = [];
    const visitors = Array.from({ length: 6 }, (_, name) => visitor(inFlight, String(name), order));
    const releases = await Promise.all(visitors.slice(0, 4));
    inFlight.failed();
    for (const [left, expected] of [4, 4, 5, 6].entries()) {
      releases[left]!();
      await new Promise(setImmediate);
      expect(order).toHaveLength(expected);
    }
  });

  test('is left by a request that is aborted, and its place goes to the next', async () => {
    const inFlight = createInFlight({ fixed: 1, clock });
    const order: string[] = [];
    const abort = new AbortController();
    const release = await inFlight.acquire(signal);
    const aborted = visitor(inFlight, 'aborted', order, abort.signal);
    void visitor(inFlight, 'next', order);
    abort.abort(new Error('interrupted'));
    await expect(aborted).rejects.toThrow('interrupted');
    release();
    await new Promise(setImmediate);
    expect(order).toEqual(['next']);
  });

  test('does not take a request that was aborted before', async () => {
    const inFlight = createInFlight({ fixed: 1, clock });
    await expect(inFlight.acquire(AbortSignal.abort(new Error('interrupted')))).rejects.toThrow('interrupted');
    const order: string[] = [];
    await visitor(inFlight, 'next', order);
    expect(order).toEqual(['next']);
  });

  test('gives no second place to a request that is aborted while it is in flight', async () => {
    const inFlight = createInFlight({ fixed: 1, clock });
    const order: string[] = [];
    const abort = new AbortController();
    const release = await inFlight.acquire(abort.signal);
    void visitor(inFlight, 'next', order);
    abort.abort();
    await new Promise(setImmediate);
    expect(order).toEqual([]);
    release();
    await new Promise(setImmediate);
    expect(order).toEqual(['next']);
  });
});

describe('What can wait', () => {
  const enters = async (place: Promise<() => void>) =>
    await Promise.race([place.then(() => true), new Promise<false>(resolve => setImmediate(() => resolve(false)))]);

  test('enters while nothing else is under way or waits, up to the limit', async () => {
    const inFlight = createInFlight({ fixed: 2, clock });
    expect(await enters(inFlight.acquireIdle(signal))).toBe(true);
    const second = inFlight.acquireIdle(signal);
    const third = inFlight.acquireIdle(signal);
    expect([await enters(second), await enters(third)]).toEqual([true, false]);
    (await second)();
    expect(await enters(third)).toBe(true);
  });

  test('takes no place from the others, and waits until the last of them has ended', async () => {
    const inFlight = createInFlight({ fixed: 2, clock });
    for (let place = 0; place < 2; place++) await inFlight.acquireIdle(signal);
    const others = [inFlight.acquire(signal), inFlight.acquire(signal)];
    expect(await Promise.all(others.map(enters))).toEqual([true, true]);
    expect(await enters(inFlight.acquire(signal))).toBe(false);
    const waiting = inFlight.acquireIdle(signal);
    (await others[0])?.();
    expect(await enters(waiting)).toBe(false);
  });

  test('waits no longer once it is not wanted any more', async () => {
    const inFlight = createInFlight({ fixed: 1, clock });
    const leave = await inFlight.acquire(signal);
    const abort = new AbortController();
    const given = inFlight.acquireIdle(abort.signal);
    abort.abort(new Error('ended'));
    await expect(given).rejects.toThrow('ended');
    leave();
    expect(await enters(inFlight.acquireIdle(signal))).toBe(true);
  });
});
