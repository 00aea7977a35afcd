import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, findPostgres, freePort } from './postgres.ts';

/** A server that follows a cluster (streaming replication), and can take its place. */
export interface Standby {
  readonly port: number;
  promote(): void;
  /** Again does nothing. */
  stop(): void;
}

/**
 * Makes a standby from a base backup, and starts it. It ends with `stop`, at the latest with the test's last step.
 * @param cluster lets the user `postgres` replicate over its socket
 */
export async function startStandby(cluster: Cluster): Promise<Standby> {
  const dir = join(cluster.dir, 'standby');
  const asUser = process.getuid?.() === 0 ? ['--reuid=postgres', '--regid=postgres', '--init-groups'] : [];
  const run = (program: string, ...args: string[]) =>
    execFileSync('setpriv', [...asUser, '--pdeathsig=INT', join(findPostgres() ?? '', program), ...args], {
      cwd: cluster.dir,
      stdio: 'ignore',
    });
  const source = ['-h', cluster.dir, '-p', String(cluster.port), '-U', 'postgres'];
  run('pg_basebackup', ...source, '-D', dir, '-R', '-X', 'stream', '-c', 'fast');
  const port = await freePort();
  const socket = `-p ${port} -c unix_socket_directories=${dir}`;
  run('pg_ctl', '-D', dir, '-w', '-o', socket, '-l', join(cluster.dir, 'standby.log'), 'start');
  return {
    port,
    promote: () => void run('pg_ctl', '-D', dir, '-w', 'promote'),
    stop() {
      if (existsSync(join(dir, 'postmaster.pid'))) run('pg_ctl', '-D', dir, '-m', 'immediate', 'stop');
    },
  };
}
