import type { FileProgress } from '../../core/status/overview.ts';
import { progressOf } from '../file-progress.ts';
import { textArray } from './arrays.ts';
import type { Row, Sql } from './sql.ts';

const ASKED = `unnest($targets::text[], $ids::text[]) AS asked (target, recording_id)`;

/**
 * Within a read: the files of recordings that an upload has reached, by name.
 * @returns those of each recording, in the order that was asked for
 */
export async function filesOf(
  sql: Sql,
  recordings: readonly { target: string; id: string }[],
): Promise<FileProgress[][]> {
  if (recordings.length === 0) return [];
  const values = {
    targets: textArray(recordings.map(({ target }) => target)),
    ids: textArray(recordings.map(({ id }) => id)),
  };
  const stored = await sql.all(`SELECT files.* FROM ${ASKED} JOIN files USING (target, recording_id)`, values);
  const open = await sql.all(
    `SELECT multipart_uploads.*, (SELECT COUNT(*) FROM parts WHERE parts.target = multipart_uploads.target
       AND parts.recording_id = multipart_uploads.recording_id AND parts.name = multipart_uploads.name) AS done
     FROM ${ASKED} JOIN multipart_uploads USING (target, recording_id)`,
    values,
  );
  return recordings.map(({ target, id }) => {
    const isOf = (row: Row) => row.target === target && row.recording_id === id;
    return progressOf(stored.filter(isOf), open.filter(isOf));
  });
}
