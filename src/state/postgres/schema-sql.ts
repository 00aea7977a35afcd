import { MIGRATIONS } from './migrations.ts';
import { CREATE_SCHEMA, CREATE_VERSION } from './schema-v1.ts';

/**
 * The SQL by which an administrator makes or upgrades the schema, and lets a role use it that may not create anything.
 * Running it again changes nothing.
 * @param role as stateUrl names it
 */
export function schemaSql(role: string): string {
  const name = `"${role.replaceAll('"', '""')}"`;
  return `-- Makes or upgrades what recordupload keeps in this database, for the role ${name}.
-- Run it as an administrator, in the database that stateUrl names, again after each upgrade of recordupload that asks for it.
BEGIN;
${CREATE_SCHEMA}
${CREATE_VERSION}
${MIGRATIONS.map(step).join('\n')}
GRANT USAGE ON SCHEMA recordupload TO ${name};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA recordupload TO ${name};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA recordupload TO ${name};
COMMIT;
`;
}

function step(sql: string, index: number): string {
  const version = index + 1;
  return `DO $step$ BEGIN IF (SELECT version FROM recordupload.schema_version) < ${version} THEN
${sql.trim().replace(/^ {2}/gm, '')}
UPDATE recordupload.schema_version SET version = ${version};
END IF; END $step$;`;
}
