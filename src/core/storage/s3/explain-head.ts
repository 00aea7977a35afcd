import { StorageFailure } from '../failure.ts';

/**
 * The response to a HEAD has no body, so it does not say why the store refuses. Makes a function that asks again with a
 * GET of one byte, which needs the same right, and throws what that says; or the refusal itself, if that says no more.
 * A refusal that may pass is asked about once for each key: a store that is overloaded shall not get twice the requests.
 * @param getOneByte the GET; it reads nothing
 */
export function createHeadExplainer(
  getOneByte: (key: string, signal: AbortSignal) => Promise<void>,
): (refusal: unknown, key: string, signal: AbortSignal) => Promise<never> {
  // A key that may not read is asked for its reason once.
  let mayNotRead: StorageFailure | undefined;
  /** What the store said of refusals that may pass, by status and object key; undefined where it said no more. */
  const passing = new Map<string, StorageFailure | undefined>();

  const ask = async (refusal: StorageFailure, key: string, signal: AbortSignal) => {
    const says: unknown = await getOneByte(key, signal).catch((error: unknown) => error);
    if (signal.aborted) throw signal.reason;
    if (!(says instanceof StorageFailure) || says.kind === 'missing' || says.reason === 'Unknown') return undefined;
    // Only a 400 is the page's own: a store may have a page for whoever may not read, and still accept uploads.
    if (says.status === undefined && !(says.reason === 'NotS3' && refusal.status === 400)) return undefined;
    return refusal.kind === 'refused' || says.status === refusal.status ? says : undefined;
  };
  return async (refusal, key, signal) => {
    if (!isMute(refusal) || refusal.status === mayNotRead?.status) throw refusal;
    if (refusal.kind === 'transient') {
      const place = `${refusal.status} ${key}`;
      if (!passing.has(place)) passing.set(place, await ask(refusal, key, signal));
      throw passing.get(place) ?? refusal;
    }
    const says = await ask(refusal, key, signal);
    if (says?.reason === 'AccessDenied') mayNotRead = says;
    throw says ?? refusal;
  };
}

function isMute(refusal: unknown): refusal is StorageFailure {
  if (!(refusal instanceof StorageFailure)) return false;
  const { kind, status = 0, reason } = refusal;
  return (kind === 'refused' || kind === 'transient') && status >= 300 && reason === 'Unknown';
}
