import type { WriteCondition } from '../bucket.ts';
import { StorageFailure } from '../failure.ts';

/** Makes writes that must not replace anything; a store that refuses the condition itself gets them without it. */
export function conditionalWrites() {
  let isKnown = true;
  return async <T>(
    { onlyIfAbsent, beforeUnconditional }: WriteCondition,
    write: (params: { IfNoneMatch?: string }) => Promise<T>,
  ) => {
    if (!onlyIfAbsent) return await write({});
    if (!isKnown) {
      await beforeUnconditional?.();
      return await write({});
    }
    try {
      return await write({ IfNoneMatch: '*' });
    } catch (error) {
      if (!mayRefuseCondition(error)) throw error;
      await beforeUnconditional?.();
      const written = await write({});
      isKnown = false;
      return written;
    }
  };
}

/** Stores that do not have conditional writes ignore them, or answer so; few say which header they do not take. */
function mayRefuseCondition(error: unknown): boolean {
  if (!(error instanceof StorageFailure)) return false;
  const { status, reason } = error;
  return status === 501 || (status === 400 && REFUSALS.has(reason));
}

const REFUSALS = new Set(['NotImplemented', 'InvalidArgument', 'InvalidRequest', 'InvalidHeader', 'Unknown', 'NoCode']);
