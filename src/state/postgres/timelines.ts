import { type DatabaseHost, hostText } from '../../core/database-url.ts';
import { Standby } from './failure.ts';

/**
 * How often servers with one history were promoted, as far as this machine has seen. A standby that is promoted begins a new
 * timeline; its old primary, started again as it was, stays on the one before and takes writes, too: two states then.
 */
export interface Timelines {
  /** @param system the servers' common identifier @returns the newest timeline; undefined: none was seen */
  newest(system: string): number | undefined;
  note(system: string, timeline: number): void;
}

/** Timelines that a process remembers while it lives. @param seen by earlier ones */
export function rememberTimelines(
  seen: Iterable<[string, number]> = [],
  keep: Timelines['note'] = () => {},
): Timelines {
  const newest = new Map(seen);
  return {
    newest: system => newest.get(system),
    note(system, timeline) {
      if (timeline <= (newest.get(system) ?? 0)) return;
      newest.set(system, timeline);
      keep(system, timeline);
    },
  };
}

const ASK = `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
  ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline`;

/** @throws Standby if another server was seen that was promoted after this one */
export async function refuseOldPrimary(
  host: DatabaseHost,
  ask: (text: string) => Promise<{ rows: { system: string; timeline: number }[] }>,
  timelines: Timelines,
): Promise<void> {
  // A provider's PostgreSQL may let nobody ask: its failover is its own.
  const [found] = await ask(ASK).then(
    ({ rows }) => rows,
    () => [],
  );
  if (!found) return;
  if (found.timeline < (timelines.newest(found.system) ?? 0)) throw new Standby(hostText(host), { why: 'replaced' });
  timelines.note(found.system, found.timeline);
}
