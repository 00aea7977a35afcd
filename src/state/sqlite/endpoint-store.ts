import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import type { Database } from './database.ts';

/** What is remembered of an endpoint beside its deliveries. */
export interface EndpointState {
  name: string;
  /** Set by a 410 or an operator; null: enabled. */
  disabledReason: string | null;
  disabledAt: number | null;
  /** When the server last answered 401 or 403 to the URL and token that are remembered as a fingerprint. */
  refusedAt: number | null;
}

/** What makes an endpoint another one in the eyes of a server that refused it. */
export interface Identity {
  url: string;
  token?: string | undefined;
  secrets: readonly string[];
}

export interface EndpointStore {
  /** An endpoint that nothing is remembered of is enabled and not refused. */
  get(name: string): EndpointState;
  list(): EndpointState[];
  /** Its deliveries wait from now on. */
  disable(name: string, reason: string, now: number): void;
  /** Its deliveries go on; those that the 410 held are due at once. Returns how many those are. */
  enable(name: string, now: number): number;
  /**
   * Remembers that the server refused this URL, token and secrets, and holds the endpoint's pending deliveries.
   * Returns how many those are.
   */
  refuse(name: string, identity: Identity, now: number): number;
  /** True where exactly this URL, token and secrets have been refused. Takes some 40 ms where any have been. */
  isRefused(name: string, identity: Identity): boolean;
  /** Holds what has been queued since the refusal. Returns how many those are. */
  holdRefused(name: string, now: number): number;
  /** Forgets the refusal; what it held is due at once. Returns how many those are. */
  releaseRefused(name: string, now: number): number;
}

/** The endpoints' memory. Its methods join a transaction that is already open. */
export function openEndpointStore(database: Database): EndpointStore {
  const { sql } = database;
  const select = sql.prepare('SELECT * FROM endpoints WHERE name = ?');
  const selectAll = sql.prepare('SELECT * FROM endpoints ORDER BY name');
  const upsert = sql.prepare('INSERT INTO endpoints (name) VALUES (?) ON CONFLICT (name) DO NOTHING');
  const setDisabled = sql.prepare('UPDATE endpoints SET disabled_reason = ?, disabled_at = ? WHERE name = ?');
  const setRefused = sql.prepare(
    'UPDATE endpoints SET refused_fingerprint = ?, refused_salt = ?, refused_at = ? WHERE name = ?',
  );
  const hold = sql.prepare(
    `UPDATE deliveries SET state = 'held', held_reason = 'refused', settled_at = ?
     WHERE endpoint = ? AND state = 'pending'`,
  );
  const release = sql.prepare(
    `UPDATE deliveries SET state = 'pending', held_reason = NULL, settled_at = NULL, next_at = ?, retries = 0
     WHERE endpoint = ? AND state = 'held' AND held_reason = ?`,
  );
  const write = <T>(work: () => T): T => (sql.isTransaction ? work() : database.transaction(work));

  return {
    get: name => toState(select.get(name) ?? { name }),
    list: () => selectAll.all().map(toState),
    disable(name, reason, now) {
      write(() => {
        upsert.run(name);
        setDisabled.run(reason, now, name);
      });
    },
    enable: (name, now) =>
      write(() => {
        setDisabled.run(null, null, name);
        return Number(release.run(now, name, 'disabled').changes);
      }),
    refuse(name, identity, now) {
      const salt = randomBytes(16);
      const fingerprint = fingerprintOf(identity, salt).toString('hex');
      return write(() => {
        upsert.run(name);
        setRefused.run(fingerprint, salt.toString('hex'), now, name);
        return Number(hold.run(now, name).changes);
      });
    },
    isRefused(name, identity) {
      const row = select.get(name);
      if (typeof row?.refused_fingerprint !== 'string' || typeof row.refused_salt !== 'string') return false;
      const known = Buffer.from(row.refused_fingerprint, 'hex');
      const current = fingerprintOf(identity, Buffer.from(row.refused_salt, 'hex'));
      return known.length === current.length && timingSafeEqual(known, current);
    },
    holdRefused: (name, now) => Number(hold.run(now, name).changes),
    releaseRefused: (name, now) =>
      write(() => {
        setRefused.run(null, null, null, name);
        return Number(release.run(now, name, 'refused').changes);
      }),
  };
}

/** Salted and slow: whoever reads the state can neither look the token up nor guess it in passing. */
function fingerprintOf({ url, token, secrets }: Identity, salt: Buffer): Buffer {
  return scryptSync(JSON.stringify([url, token ?? null, ...secrets]), salt, 32);
}

function toState(row: Record<string, unknown>): EndpointState {
  return {
    name: String(row.name),
    disabledReason: (row.disabled_reason as string | null | undefined) ?? null,
    disabledAt: (row.disabled_at as number | null | undefined) ?? null,
    refusedAt: (row.refused_at as number | null | undefined) ?? null,
  };
}
