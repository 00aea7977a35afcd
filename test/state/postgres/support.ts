import { afterAll, afterEach, beforeAll, beforeEach, describe } from '@jest/globals';
import { type DatabaseUrl, parseDatabaseUrl } from '../../../src/core/database-url.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../../../src/state/postgres/database.ts';
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

/** Whether a machine's name is its host's, and what gets its warnings. */
interface NameOptions {
  isHostName?: boolean;
  warn?: (message: string) => void;
}

/** An empty database of the cluster for each test. */
export interface OwnDatabase {
  readonly name: string;
  /** How a machine opens it. @param fingerprint of the machine; its name unless given */
  optionsOf(machine: string, fingerprint?: string): DatabaseOptions;
  /** Opens it as a machine does; closed after the test. */
  open(machine?: string, fingerprint?: string, more?: NameOptions): Promise<Database>;
  /** Closed after the test, too. */
  readonly opened: Database[];
}

export function useDatabase(stage: { readonly cluster: Cluster }): OwnDatabase {
  let name = '';
  const opened: Database[] = [];
  beforeEach(async () => {
    name = await stage.cluster.createDatabase();
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
    await stage.cluster.dropDatabase(name);
  });
  const optionsOf = (machine: string, fingerprint = machine): DatabaseOptions => ({
    url: parsed(stage.cluster.url(name)),
    applicationName: 'recordupload',
    self: { machine, fingerprint, pid: 7, version: '1.0.0' },
    sharedFolders: false,
  });
  return {
    get name() {
      return name;
    },
    opened,
    optionsOf,
    async open(machine = 'studio-a', fingerprint = machine, { isHostName, warn } = {}) {
      const options = optionsOf(machine, fingerprint);
      const database = await openDatabase({ ...options, self: { ...options.self, isHostName }, warn });
      opened.push(database);
      return database;
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
function parsed(url: string): DatabaseUrl {
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
