import type { Client } from 'pg';

/** How long a server that may be gone is waited for at the end. */
export const FAREWELL_MS = 2_000;

/** Ends a connection. Never throws, nor waits for a server that does not answer any more: a cut cable ends nothing. */
export async function endSession(client: Client): Promise<void> {
  await within(FAREWELL_MS, client.end());
}

/** Waits for something, but not for long; what it fails with does not matter. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}
