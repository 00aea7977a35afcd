import { describe, expect, test } from '@jest/globals';
import { createInFlight } from '../../../src/core/storage/in-flight.ts';
import {
  bloated,
  changing,
  type Line,
  limitedByConnection,
  lossy,
  policed,
  sendOver,
  shared,
} from './simulated-line.ts';
import { virtualClock } from './virtual-clock.ts';

const SEEDS = [1, 2, 3];
const MINUTE_MS = 60_000;

/** One upload over a line, for each beginning of its noise. */
async function runs(line: Line, forMs = MINUTE_MS) {
  return await Promise.all(
    SEEDS.map(async seed => {
      const clock = virtualClock();
      const inFlight = createInFlight({ fixed: undefined, clock });
      const traffic = await sendOver(line, inFlight, clock, { seed, forMs });
      return { ...traffic, limit: inFlight.limit };
    }),
  );
}

/** The most that any number up to 64 moves. */
const bestOf = (line: Line) => Math.max(...Array.from({ length: 64 }, (_, index) => line.rate(index + 1)));

interface Expected {
  least: number;
  most: number;
  /** Share of the best possible rate, over the second half of the time. */
  share: number;
  /** On a slow line, dozens of parts under way take minutes to end before fewer can be measured. */
  minutes?: number;
}

describe('The number in flight finds the knee of', () => {
  test.each<[string, Line, Expected]>([
    ['a line that limits each connection: all', limitedByConnection(), { least: 64, most: 64, share: 0.98 }],
    ['one that loses packets: enough to fill it in spite of that', lossy(), { least: 48, most: 64, share: 0.98 }],
    ['one with few losses', lossy({ roundTripMs: 60, loss: 0.0005 }), { least: 8, most: 24, share: 0.98 }],
    ['a line that all share', shared(), { least: 4, most: 20, share: 0.95 }],
    ['one with a policer', policed(), { least: 4, most: 24, share: 0.8, minutes: 5 }],
    ['one with bloated buffers', bloated(), { least: 4, most: 24, share: 0.98, minutes: 5 }],
    ['a store nearby', shared({ roundTripMs: 0.4, fillIt: 2 }), { least: 4, most: 8, share: 0.93 }],
  ])('%s', async (_, line, { least, most, share, minutes = 1 }) => {
    for (const { limit, settledRate } of await runs(line, minutes * MINUTE_MS)) {
      expect(limit).toBeGreaterThanOrEqual(least);
      expect(limit).toBeLessThanOrEqual(most);
      expect(settledRate).toBeGreaterThan(share * bestOf(line));
    }
  });
});

test('Bloated buffers are not filled by dozens of connections: answers come in less than half of the time', async () => {
  const line = bloated();
  const [{ tried: [firstGuess = 0] = [] } = {}] = await runs(line, 1000);
  for (const { limit } of await runs(line, 5 * MINUTE_MS))
    expect(line.delayMs(limit)).toBeLessThan(line.delayMs(firstGuess) / 2 + 100);
});

test('Fewer connections are tried only where more bring nothing', async () => {
  for (const { tried } of await runs(limitedByConnection())) expect(tried).toEqual([40, 64]);
  for (const { tried } of await runs(shared())) expect(tried.slice(0, 4)).toEqual([40, 64, 20, 10]);
});

test('A number that was measured to be too few is not tried again', async () => {
  // Forty move more than twenty did, and eighty no more: there is nothing to look for below.
  const line = { ...limitedByConnection(), roundTripMs: 10, rate: (connections: number) => Math.min(connections, 40) };
  for (const { tried } of await runs(line, MINUTE_MS)) expect(tried).toEqual([20, 40, 64, 40]);
});

test('A line that becomes wider is filled again', async () => {
  const clock = virtualClock();
  const inFlight = createInFlight({ fixed: undefined, clock });
  const line = changing(clock, shared({ capacity: 100_000 }), 30_000, limitedByConnection({ perConnection: 25_000 }));
  const { tried } = await sendOver(line, inFlight, clock, { forMs: MINUTE_MS });
  expect(tried.slice(0, 4)).toEqual([40, 64, 20, 10]);
  expect(inFlight.limit).toBe(64);
});
