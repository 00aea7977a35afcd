import type { Client } from 'pg';

/** How long a server that may be gone is waited for at the end. */
export const FAREWELL_MS = 2_000;

/** Ends a connection. Never throws, nor waits for a server that does not answer any more: a cut cable ends nothing. */
export async function endSession(client: Client): Promise<void> {
  await within(FAREWELL_MS, client.end());
}

/** Waits for something, but not for long. @returns true once it has ended, whatever it failed with; false if that takes longer */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, ms, false);
  });
  const ended = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}
