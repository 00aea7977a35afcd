import { StorageFailure } from '../failure.ts';

/**
 * The response to a HEAD has no body, so it does not say why the store refuses. Makes a function that asks again with a
 * GET of one byte, which needs the same right, and throws what that says; or the refusal itself, if that says no more.
 * @param getOneByte the GET; it reads nothing
 */
export function createHeadExplainer(
  getOneByte: (key: string, signal: AbortSignal) => Promise<void>,
): (refusal: unknown, key: string, signal: AbortSignal) => Promise<never> {
  // A key that may not read is asked for its reason once.
  let mayNotRead: StorageFailure | undefined;
  return async (refusal, key, signal) => {
    if (!isMute(refusal) || refusal.status === mayNotRead?.status) throw refusal;
    const says: unknown = await getOneByte(key, signal).catch((error: unknown) => error);
    if (signal.aborted) throw signal.reason;
    const isAnswer = says instanceof StorageFailure && says.status !== undefined && says.kind !== 'missing';
    if (!isAnswer || says.reason === 'Unknown') throw refusal;
    if (says.reason === 'AccessDenied') mayNotRead = says;
    throw says;
  };
}

function isMute(refusal: unknown): refusal is StorageFailure {
  if (!(refusal instanceof StorageFailure)) return false;
  const { kind, status = 0, reason } = refusal;
  return kind === 'refused' && status >= 300 && reason === 'Unknown';
}
