import { randomUUID } from 'node:crypto';
import type { Database } from '../sqlite/database.ts';

/** Names the life of a SQLite state: its totals count from the beginning of that. */
export function epochOf({ write }: Pick<Database, 'write'>): Promise<string> {
  return write(sql => {
    sql.run(`INSERT INTO brought (source, value, at) VALUES ('self', $value, 0) ON CONFLICT DO NOTHING`, {
      value: randomUUID(),
    });
    return String(sql.get(`SELECT value FROM brought WHERE source = 'self'`)?.value);
  });
}
