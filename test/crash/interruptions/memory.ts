import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What the state knows; empty where there is none yet. */
export interface Memory {
  /** State and claim of each recording that was accepted. */
  recordings: { id: string; state: string; error: string | null; claimed: number }[];
  uploaded: string[];
  /** Names of files with an upload under way. */
  open: string[];
  parts: { name: string; number: number }[];
  deliveries: { webhookId: string; state: string }[];
  /** `ok`, or SQLite's complaints. */
  integrity: string;
}

/** Reads a copy: looking at it must not do what the next run is to do, such as recovering the write-ahead log. */
export function readMemory(stateDir: string): Memory {
  const nothing = { recordings: [], uploaded: [], open: [], parts: [], deliveries: [], integrity: 'ok' };
  if (!existsSync(join(stateDir, 'state.db'))) return nothing;
  const copy = mkdtempSync(join(tmpdir(), 'recordupload-crash-state-'));
  try {
    for (const name of readdirSync(stateDir)) {
      if (name === 'state.db' || name === 'state.db-wal') cpSync(join(stateDir, name), join(copy, name));
    }
    const sql = new DatabaseSync(join(copy, 'state.db'));
    try {
      const rows = <Row>(query: string) => sql.prepare(query).all() as Row[];
      // Killed while it made its very first tables.
      if (rows(`SELECT name FROM sqlite_schema WHERE name = 'recordings'`).length === 0) return nothing;
      return {
        recordings: rows(
          'SELECT id, state, error, claimed_by IS NOT NULL AS claimed FROM recordings WHERE created_at > 0',
        ),
        uploaded: rows<{ name: string }>(`SELECT name FROM files WHERE state = 'uploaded' ORDER BY name`).map(nameOf),
        open: rows<{ name: string }>('SELECT name FROM multipart_uploads').map(nameOf),
        parts: rows('SELECT name, number FROM parts'),
        deliveries: rows('SELECT webhook_id AS webhookId, state FROM deliveries ORDER BY seq'),
        integrity: rows<{ integrity_check: string }>('PRAGMA integrity_check')
          .map(row => row.integrity_check)
          .join(),
      };
    } finally {
      sql.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const nameOf = ({ name }: { name: string }): string => name;
