import { SCHEMA_VERSION } from './migrations.ts';
import type { Link } from './silence.ts';

const TABLES = `FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace('recordupload') AND relkind = 'r'`;

/**
 * What the role may not do that the program will do with the first upload: make the schema, upgrade it, or write.
 * @param version of the schema; 0: there is none yet
 * @returns undefined: it may do all of it
 */
export async function missingRight(client: Link, version: number): Promise<string | undefined> {
  const ask = async (sql: string) =>
    (await client.query<{ missing: string | null }>(sql)).rows[0]?.missing ?? undefined;
  if (version === 0) {
    return await ask(`SELECT CASE
      WHEN to_regnamespace('recordupload') IS NULL AND NOT has_database_privilege(current_database(), 'CREATE')
        THEN 'it may not create a schema'
      WHEN NOT has_schema_privilege(to_regnamespace('recordupload'), 'USAGE')
        OR NOT has_schema_privilege(to_regnamespace('recordupload'), 'CREATE')
        THEN 'it may not create tables in the schema recordupload'
      END AS missing`);
  }
  if (version < SCHEMA_VERSION) {
    return await ask(
      `SELECT 'it may not upgrade the table ' || relname AS missing ${TABLES} AND NOT pg_has_role(relowner, 'USAGE') ORDER BY relname LIMIT 1`,
    );
  }
  return await ask(
    `SELECT 'it may not change the table ' || relname AS missing ${TABLES}
       AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
         AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
     ORDER BY relname LIMIT 1`,
  );
}
