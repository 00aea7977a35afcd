import { describe, expect, test } from '@jest/globals';
import { StorageFailure } from '../../../src/core/storage/failure.ts';
import { createPersistence } from '../../../src/core/storage/persistence.ts';
import { virtualClock } from './virtual-clock.ts';

const MINUTE = 60_000;
const { signal } = new AbortController();

const failed = (status: number | undefined, kind: StorageFailure['kind'] = 'transient') =>
  new StorageFailure('it failed', { kind, status, reason: 'Test' });

function persistence(options: { random?: () => number; budgetMs?: number } = {}) {
  const { random = () => 0.999_999, budgetMs = 30 * MINUTE } = options;
  const clock = virtualClock();
  return { clock, ...createPersistence({ budgetMs, clock, random }) };
}

/** Fails so many times, then succeeds. */
function failing(times: number, error = failed(503)) {
  let tries = 0;
  return Object.assign(
    async () => {
      if (++tries <= times) throw error;
      return tries;
    },
    { tries: () => tries },
  );
}

describe('The retry layer', () => {
  test('waits with full jitter: anything between nothing and a bound that doubles from 0.5 s to 30 s', async () => {
    const bounds = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
    for (const share of [0, 0.3, 0.999_999]) {
      const { clock, run } = persistence({ random: () => share });
      await run(failing(bounds.length), { signal });
      expect(clock.sleeps).toEqual(bounds.map(bound => Math.round(bound * share)));
    }
  });

  test('gives up after 30 minutes without progress, with the last failure', async () => {
    const { clock, run } = persistence();
    const last = failed(500);
    await expect(run(failing(Infinity, last), { signal })).rejects.toBe(last);
    expect(clock.elapsed()).toBeGreaterThan(29 * MINUTE);
    expect(clock.elapsed()).toBeLessThanOrEqual(30 * MINUTE);
  });

  test('counts the budget from the first failure, not from when the run began', async () => {
    const { clock, run } = persistence();
    clock.advance(5 * 60 * MINUTE);
    const attempt = failing(20);
    await run(attempt, { signal });
    expect(attempt.tries()).toBe(21);
  });

  test('has patience as long as anything else gets on', async () => {
    const { clock, run } = persistence();
    for (let minute = 5; minute <= 120; minute += 5)
      clock.at(minute * MINUTE, () => run(async () => 'a part', { signal }));
    await expect(run(failing(Infinity), { signal })).rejects.toThrow('it failed');
    expect(clock.elapsed()).toBeGreaterThan(149 * MINUTE);
  });

  test('does not take looking for getting on', async () => {
    const { clock, run } = persistence();
    const attempt = async () => {
      await run(async () => 'the store answers', { signal, looks: true });
      throw failed(500);
    };
    await expect(run(attempt, { signal })).rejects.toThrow('it failed');
    expect(clock.elapsed()).toBeLessThanOrEqual(30 * MINUTE);
  });

  test('gives up after 15 s where the endpoint never answered: it is more likely mistyped than down', async () => {
    const { clock, run } = persistence();
    await expect(run(failing(Infinity, failed(undefined)), { signal })).rejects.toThrow('it failed');
    expect(clock.elapsed()).toBeGreaterThan(5_000);
    expect(clock.elapsed()).toBeLessThanOrEqual(15_000);
  });

  test('has all its patience with an endpoint that has answered once', async () => {
    const { clock, run } = persistence();
    await run(async () => 'an answer', { signal });
    await expect(run(failing(Infinity, failed(undefined)), { signal })).rejects.toThrow('it failed');
    expect(clock.elapsed()).toBeGreaterThan(29 * MINUTE);
  });

  test('keeps to a shorter budget', async () => {
    const { clock, run } = persistence({ budgetMs: 10_000 });
    await expect(run(failing(Infinity), { signal })).rejects.toThrow('it failed');
    expect(clock.elapsed()).toBeLessThanOrEqual(10_000);
  });

  test.each(['refused', 'missing'] as const)('does not try again what is %s', async kind => {
    const { clock, run } = persistence();
    const attempt = failing(1, failed(403, kind));
    await expect(run(attempt, { signal })).rejects.toThrow('it failed');
    expect(attempt.tries()).toBe(1);
    expect(clock.sleeps).toEqual([]);
  });

  test('tries again at once after a wrong clock, a few times only', async () => {
    const { clock, run } = persistence();
    expect(await run(failing(1, failed(403, 'skew')), { signal })).toBe(2);
    const attempt = failing(Infinity, failed(403, 'skew'));
    await expect(run(attempt, { signal })).rejects.toThrow('it failed');
    expect(attempt.tries()).toBe(3);
    expect(clock.sleeps).toEqual([]);
  });

  test('does not try again what is a bug', async () => {
    const { run } = persistence();
    await expect(run(async () => Promise.reject(new TypeError('a bug')), { signal })).rejects.toThrow('a bug');
  });

  test('ends with the reason of the abort while it waits', async () => {
    const { clock, run } = persistence();
    const abort = new AbortController();
    clock.at(3 * MINUTE, () => abort.abort(new Error('Ctrl-C')));
    await expect(run(failing(Infinity), { signal: abort.signal })).rejects.toThrow('Ctrl-C');
  });

  test('tells of each wait and its reason', async () => {
    const { run } = persistence();
    const told: [string, number][] = [];
    await run(failing(2), { signal, onRetry: (failure, delayMs) => told.push([failure.message, delayMs]) });
    expect(told).toEqual([
      ['it failed', 500],
      ['it failed', 1_000],
    ]);
  });
});
