import type { Delivery } from '../../../src/core/delivery/delivery.ts';
import { openState } from '../../../src/state/open.ts';
import { openDatabase } from '../../../src/state/postgres/database.ts';
import { postgresStateOver } from '../../../src/state/postgres/postgres-state.ts';
import { databaseOptions } from '../../../src/state/postgres/settings.ts';
import type { State } from '../../../src/state/state.ts';
import type { Cluster } from '../../support/postgres.ts';
import { machine, queueIn, tempDir } from './stage.ts';

/** A state that processes of a campaign share. */
export interface Home {
  /** The environment of the next process. */
  env(url: string, more?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
  /** Queues `count` deliveries of recordings 1 … count. */
  queue(count: number): Promise<void>;
  deliveries(): Promise<Delivery[]>;
}

export type OpenHome = () => Promise<Home>;

/** One machine, whose processes have one state folder. */
export const onSqlite: OpenHome = async () => {
  const stateDir = tempDir();
  return {
    env: (url, more) => machine(stateDir, url, more),
    ...withState(() => openState(stateDir)),
  };
};

/** A fleet with a database of its own: each process is another machine. */
export function onPostgres(cluster: Cluster): OpenHome {
  return async () => {
    const url = cluster.url(await cluster.createDatabase());
    let machines = 0;
    const fleet = { url, machine: 'onlooker', sharedFolders: false, program: 'campaign' };
    return {
      env: (webhookUrl, more) =>
        machine(tempDir(), webhookUrl, {
          RECORDUPLOAD_STATE_URL: url,
          RECORDUPLOAD_MACHINE: `studio-${++machines}`,
          ...more,
        }),
      ...withState(async () => postgresStateOver(await openDatabase(databaseOptions(fleet, process.pid)))),
    };
  };
}

function withState(open: () => Promise<State>): Pick<Home, 'queue' | 'deliveries'> {
  return {
    async queue(count) {
      const state = await open();
      await queueIn(state, count);
      await state.close();
    },
    async deliveries() {
      const state = await open();
      try {
        return await state.outbox.list({});
      } finally {
        await state.close();
      }
    },
  };
}
