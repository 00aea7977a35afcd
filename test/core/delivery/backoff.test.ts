import { describe, expect, it } from '@jest/globals';
import { nextTry, SCHEDULE_MS, SCHEDULE_SPAN_MS } from '../../../src/core/delivery/backoff.ts';
import { MAX_WAIT_MS, parseRetryAfter } from '../../../src/core/retry-after.ts';
import { seededRandom } from '../webhook/support.ts';

const HOUR = 3_600_000;

describe('the schedule', () => {
  it('is the design’s: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, then held', () => {
    const longest = Array.from({ length: 10 }, (_, retries) => nextTry(retries, undefined, 0, () => 1));
    expect(longest.map(next => (next.exhausted ? 'held' : next.waitMs / 1000))).toEqual([
      5,
      300,
      1800,
      7200,
      18_000,
      36_000,
      50_400,
      72_000,
      86_400,
      'held',
    ]);
    expect(longest.map(next => next.retries)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('spreads tries evenly over a step, and never waits less than a second', () => {
    const random = seededRandom();
    const waits = Array.from({ length: 10_000 }, () => nextTry(3, undefined, 0, random)).map(n =>
      n.exhausted ? -1 : n.waitMs,
    );
    for (let tenth = 0; tenth < 10; tenth++) {
      const inTenth = waits.filter(
        ms => ms >= (tenth * SCHEDULE_MS[3]!) / 10 && ms < ((tenth + 1) * SCHEDULE_MS[3]!) / 10,
      );
      expect(Math.abs(inTenth.length - 1000)).toBeLessThan(150);
    }
    expect(nextTry(0, undefined, 0, () => 0)).toMatchObject({ waitMs: 1000 });
  });

  it('comes back exactly when the server asks, and a short pause does not use a step up', () => {
    expect(nextTry(0, 120_000, 0, () => 0)).toEqual({ exhausted: false, waitMs: 120_000, retries: 1 });
    expect(nextTry(2, 60_000, 0, () => 0)).toEqual({ exhausted: false, waitMs: 60_000, retries: 2 });
    expect(nextTry(2, 60_000, SCHEDULE_SPAN_MS, () => 0)).toEqual({ exhausted: false, waitMs: 60_000, retries: 3 });
    expect(nextTry(9, 60_000, 0, () => 0)).toEqual({ exhausted: true, retries: 10 });
  });
});

describe('Retry-After', () => {
  const now = Date.parse('Thu, 01 Jan 2026 00:00:00 GMT');
  it.each([
    ['120', undefined, 120_000],
    ['0', undefined, 1000],
    ['999999999', undefined, MAX_WAIT_MS],
    ['9'.repeat(400), undefined, MAX_WAIT_MS],
    ['Thu, 01 Jan 2026 02:00:00 GMT', undefined, 2 * HOUR],
    ['Thu, 01 Jan 2026 02:00:00 GMT', 'Thu, 01 Jan 2026 01:59:00 GMT', 60_000],
    ['Thu, 01 Jan 2025 02:00:00 GMT', undefined, 1000],
    ['Fri, 01 Jan 2027 02:00:00 GMT', 'nonsense', MAX_WAIT_MS],
    ['5 minutes', undefined, undefined],
    ['-5', undefined, undefined],
    ['', undefined, undefined],
    [undefined, undefined, undefined],
  ])('%s (Date: %s) means %s ms', (value, date, expected) => {
    expect(parseRetryAfter(value, date, now)).toBe(expected);
  });
});
