import { expect, test } from '@jest/globals';
import { createByteBudget } from '../../../../src/core/storage/s3/byte-budget.ts';

const { signal } = new AbortController();
/** Whoever is let in by now. */
const settled = () => new Promise(resolve => setImmediate(resolve));

test('So many bytes are let in at once, first come, first served', async () => {
  const budget = createByteBudget(10);
  const inside: string[] = [];
  const enter = async (name: string, bytes: number) => {
    const leave = await budget.take(bytes, signal);
    inside.push(name);
    return leave;
  };
  const leaveA = await enter('a', 6);
  const b = enter('b', 5);
  const c = enter('c', 1);
  await settled();
  // `c` would fit, but comes after `b`.
  expect(inside).toEqual(['a']);
  leaveA();
  (await b)();
  await c;
  expect(inside).toEqual(['a', 'b', 'c']);
});

test('More than the whole is let in alone', async () => {
  const budget = createByteBudget(10);
  const leave = await budget.take(25, signal);
  let isIn = false;
  const next = budget.take(1, signal).then(() => {
    isIn = true;
  });
  await settled();
  expect(isIn).toBe(false);
  leave();
  await next;
});

test('Who gives up waiting makes room for those behind', async () => {
  const budget = createByteBudget(10);
  await budget.take(8, signal);
  const giveUp = new AbortController();
  const large = budget.take(9, giveUp.signal);
  const small = budget.take(2, signal);
  giveUp.abort(new Error('enough'));
  await expect(large).rejects.toThrow('enough');
  await small;
});
