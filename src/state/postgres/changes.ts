import type { Client } from 'pg';
import type { Changes } from '../state.ts';
import type { Database } from './database.ts';
import { endSession } from './farewell.ts';

/** Where the triggers of schema-v1-counts.ts tell of what has become due. */
const CHANNEL = 'recordupload';
/** Somebody listens: to look for what was missed, and for what nobody tells. */
const HEARD_MS = 240_000;
/** Nothing can be heard: behind a pooler there are no sessions, and a database that is away tells nothing. */
const DEAF_MS = 15_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** What other processes of the fleet put into the state, by LISTEN in a session of its own. */
export function openChanges({ connections, self }: Pick<Database, 'connections' | 'self'>): Changes & {
  close(): Promise<void>;
} {
  const listeners = new Set<() => void>();
  const wake = () => {
    for (const listener of listeners) listener();
  };
  let client: Client | undefined;
  let isPooled = false;
  let isClosed = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let opening: Promise<void> | undefined;

  const lose = () => {
    client = undefined;
    if (isClosed || isPooled || listeners.size === 0) return;
    clearTimeout(timer);
    timer = setTimeout(open, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++));
    timer.unref();
  };
  const open = () => {
    opening = listen().catch(lose);
  };
  const listen = async () => {
    const session = await connections.session();
    isPooled = session.server.isPooled;
    if (isPooled || isClosed) return await endSession(session.client);
    client = session.client;
    client.on('notification', ({ payload }) => {
      if (payload === 'deliveries' || payload === `queue ${self.machine}`) wake();
    });
    client.on('end', lose);
    await session.link.query(`LISTEN ${CHANNEL}`);
    failures = 0;
    // What came before this moment was not heard.
    wake();
  };

  return {
    subscribe(onWake) {
      listeners.add(onWake);
      if (!client && !opening) open();
      return () => listeners.delete(onWake);
    },
    pauseMs: () => (client ? HEARD_MS : DEAF_MS),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await opening;
      if (client) await endSession(client);
    },
  };
}
