import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';

/** A PostgreSQL server of the tests' own. */
export interface Cluster {
  readonly port: number;
  /** Its data, logs and socket. */
  readonly dir: string;
  /** A URL of it; `postgres@127.0.0.1` unless given, without a password. */
  url(database: string, options?: { user?: string; password?: string; parameters?: string }): string;
  /** Makes an empty database; returns its name. */
  createDatabase(): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  /** A session of the superuser; the caller ends it. */
  connect(database?: string): Promise<Client>;
  /** Runs SQL as the superuser. */
  run(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  /** @param how `immediate` is a crash: nothing is written any more */
  stop(how?: 'fast' | 'immediate'): Promise<void>;
  /** @param options.settings `name=value` on its command line */
  start(options?: { settings: readonly string[] }): Promise<void>;
  /** Stops it and removes all of it. */
  remove(): Promise<void>;
}

export interface ClusterOptions {
  /** Lines for postgresql.conf. */
  settings?: readonly string[];
  /** Lines for pg_hba.conf, in place of those that let everybody of this machine in. */
  access?: readonly string[];
  /** What is committed survives `stop('immediate')`. */
  isDurable?: boolean;
  /** Folder of the user `postgres` for its data, or its write-ahead log; below the cluster's own unless given. */
  data?: string;
  wal?: string;
}

/** Where PostgreSQL's programs are: below Debian's folder, or on the path; undefined: nowhere. */
export function findPostgres(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map(version => join(debian, version, 'bin')), ...(process.env.PATH ?? '').split(':')];
  return folders.find(dir => existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'postgres')));
}

/** Makes a cluster in a temporary folder and starts it on a free port, as the user `postgres` where this one is root. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const bin = findPostgres();
  if (bin === undefined) throw new Error('there is no PostgreSQL on this machine');
  const dir = mkdtempSync(join(tmpdir(), 'recordupload-postgres-'));
  const data = join(options.data ?? dir, 'data');
  const isRoot = process.getuid?.() === 0;
  // It ends with this process, however that ends.
  const asUser = isRoot
    ? ['--reuid=postgres', '--regid=postgres', '--init-groups', '--pdeathsig=INT']
    : ['--pdeathsig=INT'];
  if (isRoot)
    chownSync(dir, Number(execFileSync('id', ['-u', 'postgres'])), Number(execFileSync('id', ['-g', 'postgres'])));
  const initdb = [
    join(bin, 'initdb'),
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '--no-sync',
    ...(options.wal === undefined ? [] : ['--waldir', join(options.wal, 'wal')]),
  ];
  execFileSync('setpriv', [...asUser, ...initdb], { cwd: dir, stdio: 'ignore' });
  const port = await freePort();
  const settings = [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    `unix_socket_directories = '${dir}'`,
    'shared_buffers = 32MB',
    'max_connections = 200',
    'deadlock_timeout = 100ms',
    ...(options.isDurable ? [] : ['fsync = off', 'synchronous_commit = off', 'full_page_writes = off']),
    ...(options.settings ?? []),
  ];
  appendFileSync(join(data, 'postgresql.conf'), `\n${settings.join('\n')}\n`);
  if (options.access)
    writeFileSync(join(data, 'pg_hba.conf'), `local all postgres trust\n${options.access.join('\n')}\n`);

  let server: ReturnType<typeof spawn> | undefined;
  let databases = 0;
  const cluster: Cluster = {
    port,
    dir,
    url: (database, { user = 'postgres', password, parameters = '' } = {}) =>
      `postgres://${user}${password === undefined ? '' : `:${password}`}@127.0.0.1:${port}/${database}${parameters && `?${parameters}`}`,
    async createDatabase() {
      const name = `state_${databases++}`;
      await cluster.run(`CREATE DATABASE ${name}`);
      return name;
    },
    async dropDatabase(name) {
      await cluster.run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
    async connect(database = 'postgres') {
      const client = new Client({ host: dir, port, user: 'postgres', database });
      client.on('error', () => {});
      await client.connect();
      return client;
    },
    async run(sql, database) {
      const client = await cluster.connect(database);
      try {
        return (await client.query(sql)).rows;
      } finally {
        await client.end();
      }
    },
    async start({ settings: given } = { settings: [] }) {
      const more = given.flatMap(one => ['-c', one]);
      const child = spawn('setpriv', [...asUser, join(bin, 'postgres'), '-D', data, ...more], {
        cwd: dir,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      server = child;
      let log = '';
      child.stderr.setEncoding('utf8').on('data', text => {
        log += text;
      });
      const ended = once(child, 'exit');
      while (!log.includes('ready to accept connections')) {
        if (child.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log}`);
        await Promise.race([once(child.stderr, 'data'), ended]);
      }
    },
    async stop(how = 'fast') {
      if (!server || server.exitCode !== null) return;
      const ended = once(server, 'exit');
      server.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await ended;
      server = undefined;
    },
    async remove() {
      await cluster.stop('immediate');
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await cluster.start();
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
  return cluster;
}

/** A port of this machine on which nothing listens at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A database for the role `recorder`, which is no superuser: those are let in where others are not. */
export async function makeRecorderDatabase(cluster: Cluster): Promise<{ database: string; url: string }> {
  const database = await cluster.createDatabase();
  const known = await cluster.run("SELECT 1 FROM pg_roles WHERE rolname = 'recorder'");
  if (known.length === 0) await cluster.run('CREATE ROLE recorder LOGIN');
  await cluster.run(`GRANT CREATE ON DATABASE ${database} TO recorder`);
  return { database, url: cluster.url(database, { user: 'recorder' }) };
}
