import type { AskedUpload, Refusal, Refusals } from '../../core/upload/refusals.ts';
import type { Database } from './database.ts';
import type { Row, Sql } from './sql.ts';

/** The refused uploads over the database. */
export function openRefusals({ read, write }: Database): Refusals {
  return {
    refuse: ({ dir, recordingId, error, hint, asked }, now) =>
      write(sql => {
        sql.run(
          `INSERT INTO refusals (dir, recording_id, error, hint, asked, since, updated_at)
           VALUES ($dir, $recordingId, $error, $hint, $asked, $now, $now)
           ON CONFLICT (dir) DO UPDATE SET
             recording_id = $recordingId, error = $error, hint = $hint, asked = $asked, updated_at = $now`,
          { dir, recordingId, error, hint, asked: JSON.stringify(asked), now },
        );
      }),

    list: () => read(sql => sql.all('SELECT * FROM refusals ORDER BY since, dir').map(toRefusal)),

    forget: dir => write(sql => forgetRefusal(sql, dir)),
  };
}

/** Within a write: `Refusals.forget`. */
export function forgetRefusal(sql: Sql, dir: string): void {
  sql.run('DELETE FROM refusals WHERE dir = $dir', { dir });
}

export function toRefusal(row: Row): Refusal {
  return {
    dir: String(row.dir),
    recordingId: String(row.recording_id),
    error: String(row.error),
    hint: row.hint as string | null,
    asked: JSON.parse(String(row.asked)) as AskedUpload,
    since: Number(row.since),
    updatedAt: Number(row.updated_at),
  };
}
