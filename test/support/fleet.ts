import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, SECRETS } from './desk.ts';
import type { Cluster } from './postgres.ts';

/** Lets everybody in who knows the password: the leak search then looks for it everywhere. */
export const WITH_PASSWORD = { access: ['host all all all scram-sha-256'] } as const;

/** Desks of machines that share a database and a sandbox, in the order of their names. */
export async function makeFleet<const Names extends readonly string[]>(
  cluster: Cluster,
  sandbox: Sandbox,
  names: Names,
  env: NodeJS.ProcessEnv = {},
): Promise<{ desks: { [Index in keyof Names]: Desk }; database: string; url: string }> {
  const database = await cluster.createDatabase();
  await cluster.run(`CREATE ROLE r_${database} SUPERUSER LOGIN PASSWORD '${SECRETS.token}'`);
  const url = cluster.url(database, { user: `r_${database}`, password: SECRETS.token });
  const desks = names.map(machine =>
    openDesk(sandbox, { RECORDUPLOAD_STATE_URL: url, RECORDUPLOAD_MACHINE: machine, ...env }),
  );
  return { desks: desks as { [Index in keyof Names]: Desk }, database, url };
}
