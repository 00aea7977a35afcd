import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describeState, type Place } from '../conformance.ts';
import { describeWithPostgres, emptyState, openPostgres, useCluster } from './support.ts';

const PROCESS = join(import.meta.dirname, '../conformance/crashing-process.ts');

describeWithPostgres('PostgreSQL', () => {
  const stage = useCluster();
  let database: string | undefined;

  async function makePlace(): Promise<Place> {
    const { cluster } = stage;
    database ??= await cluster.createDatabase();
    const url = cluster.url(database);
    const fleet = { url, machine: 'studio', sharedFolders: false, program: 'test' };
    const name = database;
    return {
      open: pid => openPostgres(fleet, pid),
      crash: step =>
        new Promise((resolve, reject) => {
          execFile(process.execPath, [PROCESS, 'postgres', url, step], (error, _, stderr) => {
            if (error?.signal === 'SIGKILL') resolve();
            else reject(new Error(`the process was not killed: ${stderr}`));
          });
        }),
      remove: () => emptyState(cluster, name),
    };
  }

  describeState('a state in PostgreSQL', makePlace, { isShared: true, isFleet: true });
});
