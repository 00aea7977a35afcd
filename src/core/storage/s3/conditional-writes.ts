import type { WriteCondition } from '../bucket.ts';
import { StorageFailure } from '../failure.ts';

/** Makes writes that must not replace anything; a store that refuses the condition itself gets them without it. */
export function conditionalWrites() {
  let isKnown = true;
  return async <T>({ onlyIfAbsent }: WriteCondition, write: (params: { IfNoneMatch?: string }) => Promise<T>) => {
    if (!onlyIfAbsent || !isKnown) return await write({});
    try {
      return await write({ IfNoneMatch: '*' });
    } catch (error) {
      if (!refusesCondition(error)) throw error;
      isKnown = false;
      return await write({});
    }
  };
}

/** Stores that do not have conditional writes ignore them, or answer so. */
function refusesCondition(error: unknown): boolean {
  if (!(error instanceof StorageFailure)) return false;
  const { status, reason, message } = error;
  return (
    status === 501 ||
    reason === 'NotImplemented' ||
    (status === 400 && /if-none-match|implies functionality/i.test(message))
  );
}
