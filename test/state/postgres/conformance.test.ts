import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openState } from '../../../src/state/open.ts';
import { describeState, type Place } from '../conformance.ts';
import { describeWithPostgres, emptyState, openPostgres, useCluster } from './support.ts';

const PROCESS = join(import.meta.dirname, '../conformance/crashing-process.ts');

describeWithPostgres('PostgreSQL', () => {
  const stage = useCluster();
  let database: string | undefined;

  /** @param how as crashing-process.ts knows it */
  async function makePlace(how: 'postgres' | 'fleet'): Promise<Place> {
    const { cluster } = stage;
    database ??= await cluster.createDatabase();
    const url = cluster.url(database);
    const fleet = { url, machine: 'studio', sharedFolders: false, program: 'test' };
    const name = database;
    const dir = mkdtempSync(join(tmpdir(), 'recordupload-fleet-'));
    return {
      open: pid => (how === 'fleet' ? openState(dir, { pid, fleet }) : openPostgres(fleet, pid)),
      crash: step =>
        new Promise((resolve, reject) => {
          const address = how === 'fleet' ? `${dir} ${url}` : url;
          execFile(process.execPath, [PROCESS, how, address, step], (error, _, stderr) => {
            if (error?.signal === 'SIGKILL') resolve();
            else reject(new Error(`the process was not killed: ${stderr}`));
          });
        }),
      async remove() {
        rmSync(dir, { recursive: true, force: true });
        await emptyState(cluster, name);
      },
    };
  }

  describeState('a state in PostgreSQL', () => makePlace('postgres'), { isShared: true, isFleet: true });
  describeState('the state of a fleet', () => makePlace('fleet'), { isShared: true, isFleet: true });
});
