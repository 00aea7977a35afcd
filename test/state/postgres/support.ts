import { afterAll, beforeAll, describe } from '@jest/globals';
import { type DatabaseUrl, parseDatabaseUrl } from '../../../src/core/database-url.ts';
import { openDatabase } from '../../../src/state/postgres/database.ts';
import { postgresStateOver } from '../../../src/state/postgres/postgres-state.ts';
import { databaseOptions } from '../../../src/state/postgres/settings.ts';
import type { FleetOptions, State } from '../../../src/state/state.ts';
import { type Cluster, type ClusterOptions, findPostgres, startCluster } from '../../support/postgres.ts';

/** Tests that need PostgreSQL's programs; where there are none, they are named and skipped. */
export const describeWithPostgres: typeof describe | typeof describe.skip =
  findPostgres() === undefined ? describe.skip : describe;

/** A cluster for the tests of a `describe`. */
export function useCluster(options?: ClusterOptions): { readonly cluster: Cluster } {
  let cluster: Cluster | undefined;
  beforeAll(async () => {
    cluster = await startCluster(options);
  });
  afterAll(async () => {
    await cluster?.remove();
  });
  return {
    get cluster() {
      return cluster!;
    },
  };
}

/**
 * Opens a fleet's state as the database has it, without a spool in front.
 * @param pid of the process, as the others see it
 */
export async function openPostgres(fleet: FleetOptions, pid: number): Promise<State> {
  return postgresStateOver(await openDatabase(databaseOptions(fleet, pid)));
}

/** A URL that is known to be one. */
export function parsed(url: string): DatabaseUrl {
  const result = parseDatabaseUrl(url);
  if (!result.ok) throw new Error(`${url} ${result.flaw}`);
  return result.url;
}

/** Removes all rows, as quickly as a test wants them gone; the schema stays. */
export async function emptyState(cluster: Cluster, database: string): Promise<void> {
  await cluster.run(
    `DO $$ DECLARE name text; BEGIN
       FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'recordupload' AND tablename <> 'schema_version' LOOP
         EXECUTE format('DELETE FROM recordupload.%I', name);
       END LOOP;
     END $$`,
    database,
  );
}
