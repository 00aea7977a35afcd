import { createHash, timingSafeEqual } from 'node:crypto';

/** What a request's `X-Webhook-Token` was; the only form in which it is ever shown. */
export type TokenState = 'missing' | 'valid' | 'invalid';

/** Compares tokens in a time that tells nothing of the right one, its length included. */
export function tokenCheck(expected: string): (given: string | undefined) => TokenState {
  const right = digest(expected);
  return given => {
    if (given === undefined || given === '') return 'missing';
    return timingSafeEqual(digest(given), right) ? 'valid' : 'invalid';
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
