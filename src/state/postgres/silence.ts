import type { Client, PoolClient } from 'pg';
import { isConnectionLost, isTimeout, NoAnswer } from './failure.ts';
import { within } from './farewell.ts';

/**
 * What statements are sent over. A statement that is slow is waited for; one that nobody works at any more is not: a cut
 * cable, a firewall that forgot the connection and a server that was stopped send no answer and no error.
 */
export type Link = Pick<PoolClient, 'query'>;

/** How long an answer may take before somebody asks why; no statement of ours takes so long on an idle server. */
const QUIET_MS = 4_000;
/** While the server is at it, it is asked ever more seldom. */
const LONGEST_QUIET_MS = 60_000;
/** Opening a connection and asking over it. */
const LOOK_MS = 4_000;
/** An answer that was sent before the look may arrive after it. */
const GRACE_MS = 1_000;

/** `silent`: the host says nothing at all; `lost`: nobody works at the statement there. */
export type Found = 'works' | 'silent' | 'lost';

/**
 * @param look finds out whether the server works at what the client has asked
 * @returns a link whose statements fail with NoAnswer where it does not
 */
export function watched(client: Link, look: () => Promise<Found>): Link {
  const ask = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
  const query = (...args: unknown[]) => answered(ask(...args), look);
  return { query: query as Link['query'] };
}

async function answered<T>(answer: Promise<T>, look: () => Promise<Found>): Promise<T> {
  const begun = performance.now();
  for (let quietMs = QUIET_MS; ; quietMs = Math.min(quietMs * 2, LONGEST_QUIET_MS)) {
    if (await within(quietMs, answer)) return await answer;
    const looking = look();
    await Promise.race([looking, answer.catch(() => {})]);
    if (await within(0, answer)) return await answer;
    if ((await looking) === 'works') continue;
    if (await within(GRACE_MS, answer)) return await answer;
    throw new NoAnswer(performance.now() - begun);
  }
}

/**
 * Asks a server over another connection whether it works at what a first one has asked. Never throws.
 * @param client not connected yet; ended at the end
 * @param server the process at the other end of the first connection; a pooler's is not known
 * @param connectTimeoutMs as `stateUrl` says, if that is less than the look has
 */
export async function lookForAnswer(
  client: Client,
  { backend, isPooled }: { backend: number; isPooled: boolean },
  connectTimeoutMs: number,
): Promise<Found> {
  client.on('error', () => {});
  const ask = async (): Promise<Found> => {
    await client.connect();
    // A pooler that passes a question on has a server that answers.
    const { rows } = await client.query(
      isPooled ? "SELECT 'active' AS state" : 'SELECT state FROM pg_stat_activity WHERE pid = $1',
      isPooled ? [] : [backend],
    );
    const [row] = rows as { state: string | null }[];
    // Idle: it has not received the statement, or its answer is lost. Null: this role may not see it.
    return row && !/^idle/.test(row.state ?? '') ? 'works' : 'lost';
  };
  const asking = ask().catch((error): Found => {
    if (isTimeout(error)) return 'silent';
    // A server that has no connection left for the look may well work at the statement.
    return isConnectionLost(error) ? 'lost' : 'works';
  });
  const isAnswered = await within(Math.min(LOOK_MS, connectTimeoutMs), asking);
  client.end().catch(() => {});
  return isAnswered ? await asking : 'silent';
}
