import { MIGRATIONS } from './migrations.ts';
import { openSql, type Sql } from './sql.ts';

/** Nobody writes so many versions: a number beyond is damage. */
const MOST_NEWER = 1000;

/**
 * Whether a number of a version is wrong: the tables are those of this one. A newer version may have the same tables; each
 * older one has others.
 */
export function isWrongVersion(sql: Sql, version: number): boolean {
  const isNewer = version > MIGRATIONS.length && version <= MIGRATIONS.length + MOST_NEWER;
  return version !== MIGRATIONS.length && !isNewer && hasNewestSchema(sql);
}

function hasNewestSchema(sql: Sql): boolean {
  if (!sql.get('SELECT 1 FROM sqlite_schema LIMIT 1')) return false;
  const newest = openSql(':memory:');
  try {
    for (const step of MIGRATIONS) newest.exec(step);
    const schema = (of: Sql) => JSON.stringify(of.all('SELECT type, name, sql FROM sqlite_schema ORDER BY name'));
    return schema(sql) === schema(newest);
  } finally {
    newest.close();
  }
}
