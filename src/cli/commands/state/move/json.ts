import type { MoveResult } from '../../../../app/open-move.ts';

/** The result of `state move --json`. */
export interface StateMoveJson {
  to: 'postgres' | 'sqlite';
  dryRun: boolean;
  machine: string;
  /** Of PostgreSQL: hosts and database. */
  database: string;
  /** What is on the other side now, and was compared; with `dryRun`, what would be. */
  moved: { recordings: number; files: number; parts: number; webhooks: number; attempts: number; queued: number };
  /** Recordings that were there already, exactly so: an earlier run was interrupted. */
  alreadyThere: number;
  /** Recordings that were not moved: another machine has one with their ID. */
  kept: { recordingId: string; target: string; machine: string }[];
  /** The file that the SQLite state was copied to; null: it was not. */
  backup: string | null;
}

export function stateMoveJson({
  to,
  dryRun,
  machine,
  place,
  counts,
  already,
  kept,
  backup,
}: MoveResult): StateMoveJson {
  const { deliveries: webhooks, ...others } = counts;
  return {
    to,
    dryRun,
    machine,
    database: place,
    moved: { ...others, webhooks },
    alreadyThere: already,
    kept: kept.map(({ recordingId, target, machine }) => ({ recordingId, target, machine })),
    backup: backup ?? null,
  };
}
