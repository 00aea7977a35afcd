import { passYear } from '../year.ts';
import type { Check } from './check.ts';

const DELIVERIES = 10_000;

/** A simulated year of outages: ten tries each, then held; evenly spread. */
export async function yearOfOutages(check: Check): Promise<void> {
  const { posts, states, lastTries } = await passYear(DELIVERIES);
  const most = Math.max(...lastTries);
  check('a year of outages: each of 10,000 is tried ten times', posts === 10 * DELIVERIES, `${posts} tries`);
  check('then it is held, and none is dropped', states.join() === 'exhausted', states);
  check(
    `the last tries are spread over ${lastTries.length} hours, at most ${most} in one`,
    lastTries.length > 50 && most < 500,
  );
}
