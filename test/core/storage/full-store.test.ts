import { describe, expect, test } from '@jest/globals';
import { StorageFailure } from '../../../src/core/storage/failure.ts';
import { createPersistence } from '../../../src/core/storage/persistence.ts';
import { virtualClock } from './virtual-clock.ts';

const MINUTE = 60_000;
const MB = 1_000_000;

/** A store that is full until `roomAtMs`, and eight parts of 32 MB on their way to it. */
function upload(roomAtMs: number, budgetMs = 30 * MINUTE) {
  const clock = virtualClock();
  const { run } = createPersistence({ budgetMs, clock, random: () => 1 });
  const tries: number[] = [];
  const pauses: string[] = [];
  const part = (signal: AbortSignal) =>
    run(
      async () => {
        tries.push(clock.elapsed());
        if (clock.elapsed() >= roomAtMs) return 'stored';
        throw new StorageFailure('the store answered 507', { kind: 'full', status: 507, reason: 'XMinioStorageFull' });
      },
      {
        signal,
        sentBytes: () => 32 * MB,
        onRetry: (failure, delayMs) => pauses.push(`${failure.message}: ${delayMs / 1000} s`),
      },
    );
  return { tries, pauses, part, clock };
}
const parts = 8;
const { signal } = new AbortController();

describe('A store that is full', () => {
  test('is asked by one part at a time, after pauses that double; all go on once it has room', async () => {
    const { tries, pauses, part } = upload(60_000);
    const ends = await Promise.all(Array.from({ length: parts }, () => part(signal)));
    expect(ends).toEqual(Array(parts).fill('stored'));
    const first = tries.filter(at => at === 0);
    expect(first).toHaveLength(parts);
    // One probe each, until the one that finds room; the others follow it.
    expect(tries.slice(parts)).toEqual([1, 3, 7, 15, 31, ...Array(parts).fill(63)].map(seconds => seconds * 1000));
    expect(pauses[0]).toBe('the store answered 507; 32.0 MB sent in vain; the upload pauses: 1 s');
    expect(pauses.at(-1)).toBe('the store answered 507; 416 MB sent in vain; the upload pauses: 32 s');
  });

  test('is given up once the budget is used up: all parts fail, and say how much was sent in vain', async () => {
    const { tries, part } = upload(Number.POSITIVE_INFINITY);
    const ends = await Promise.allSettled(Array.from({ length: parts }, () => part(signal)));
    expect(new Set(ends.map(end => end.status === 'rejected' && String(end.reason)))).toEqual(
      new Set(['AppError: the store answered 507; 672 MB sent in vain']),
    );
    // Half an hour, and hardly more bytes than the eight parts that were on their way.
    expect(tries).toHaveLength(21);
    expect(tries.at(-1)).toBeGreaterThan(25 * MINUTE);
  });

  test('that was given up is given up at once by what follows', async () => {
    const { tries, part } = upload(Number.POSITIVE_INFINITY);
    await expect(part(signal)).rejects.toThrow('in vain');
    const before = tries.length;
    await expect(part(signal)).rejects.toThrow('in vain');
    expect(tries).toHaveLength(before + 1);
  });

  test('is asked by another part if the one that asks is interrupted', async () => {
    const { part, clock, tries } = upload(60_000);
    const stop = new AbortController();
    clock.at(1_500, () => stop.abort(new Error('interrupted')));
    const ends = await Promise.allSettled([part(stop.signal), part(signal), part(signal)]);
    expect(ends.map(end => end.status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(tries.length).toBeLessThan(14);
  });
});
