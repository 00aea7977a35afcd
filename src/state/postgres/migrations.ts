import { AppError } from '../../core/errors.ts';
import { isMissing } from './failure.ts';
import { CREATE_SCHEMA, CREATE_VERSION, SCHEMA_V1 } from './schema-v1.ts';
import { COUNTS_V1 } from './schema-v1-counts.ts';
import { SCHEMA_V2 } from './schema-v2.ts';
import type { Link } from './silence.ts';

/** Each entry brings the schema one version on. Entries that have been released are never edited. */
export const MIGRATIONS: readonly string[] = [`${SCHEMA_V1}${COUNTS_V1}`, SCHEMA_V2];

/** The version of the schema that this program works with. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Of the advisory lock under which one process at a time makes or upgrades the schema: `record` as a number. */
const MIGRATION_LOCK = 0x7265_636f_7264;

/** Rewriting a large table takes as long as it takes. */
const PATIENCE_MS = 60 * 60 * 1000;

/**
 * Makes the schema `recordupload`, or upgrades it; several processes may do so at once.
 * @param where for messages
 * @throws AppError `STATE` if a newer version wrote it, PostgreSQL's error if the role may not
 */
export async function migrate(client: Link, where: string): Promise<void> {
  if ((await readVersion(client, where)) === SCHEMA_VERSION) return;
  const patiently = (text: string) => client.query({ text, query_timeout: PATIENCE_MS } as { text: string });
  await client.query('BEGIN');
  try {
    await patiently(`SET LOCAL statement_timeout = ${PATIENCE_MS}; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    // Looked at again: another process may have been faster.
    const { rows } = await client.query(
      `SELECT to_regclass('recordupload.schema_version') IS NOT NULL AS there,
         to_regnamespace('recordupload') IS NOT NULL AS has_schema`,
    );
    const from = rows[0]?.there ? known((await client.query(VERSION)).rows[0]?.version, where) : 0;
    for (const text of stepsFrom(from, rows[0]?.has_schema === 1)) await patiently(text);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/**
 * Not within a transaction, which a missing table would end.
 * @returns 0 where there is no schema yet
 * @throws AppError `STATE` if a newer version wrote it
 */
export async function readVersion(client: Link, where: string): Promise<number> {
  try {
    return known((await client.query(VERSION)).rows[0]?.version, where);
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

const VERSION = 'SELECT version FROM recordupload.schema_version';

function known(version: unknown, where: string): number {
  if (Number(version ?? 0) <= SCHEMA_VERSION) return Number(version ?? 0);
  throw newerSchema(where);
}

/** The error for a schema that is left alone. */
export function newerSchema(where: string): AppError {
  return new AppError(
    'STATE',
    `the state's database at ${where} was upgraded by a newer version of recordupload, and is left as it is`,
    { hint: 'upgrade recordupload on this machine, too' },
  );
}

/** The SQL that brings the schema from a version to this program's; each is to be run in one transaction with the rest. */
function stepsFrom(version: number, hasSchema: boolean): string[] {
  if (version === SCHEMA_VERSION) return [];
  // Where an administrator has made the schema for this role, the role may not make any, not even one that is there.
  const begin = version > 0 ? [] : hasSchema ? [CREATE_VERSION] : [CREATE_SCHEMA, CREATE_VERSION];
  return [...begin, ...MIGRATIONS.slice(version), `UPDATE recordupload.schema_version SET version = ${SCHEMA_VERSION}`];
}
