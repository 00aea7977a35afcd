import { expect, test } from '@jest/globals';
import { createBackoff } from '../../src/app/watch/backoff.ts';

const MINUTE = 60_000;

test('an upload that fails again and again is tried ever more seldom', () => {
  const backoff = createBackoff();
  const pauses = Array.from({ length: 6 }, () => backoff.failed('3', 0));
  expect(pauses).toEqual([5_000, 30_000, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 30 * MINUTE]);
  expect(backoff.waitMs('3', MINUTE)).toBe(29 * MINUTE);
  backoff.hurry();
  expect(backoff.waitMs('3', MINUTE)).toBe(0);
});

test('one that another process works on is looked at twice a minute, however often it was found so', () => {
  const backoff = createBackoff();
  for (let look = 0; look < 20; look++) backoff.busy('3', look * MINUTE);
  expect(backoff.waitMs('3', 19 * MINUTE)).toBe(30_000);
  // It has not failed yet.
  expect(backoff.failed('3', 20 * MINUTE)).toBe(5_000);
});
