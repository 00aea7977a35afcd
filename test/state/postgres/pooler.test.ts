import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { lookAtDatabase, type State } from '../../../src/state/open.ts';
import { type Cluster, findPostgres, freePort, startCluster } from '../../support/postgres.ts';
import { NOW, RECORDING, REF, TARGET } from '../conformance/facts.ts';
import { openPostgres } from './support.ts';

const PGBOUNCER = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find(file => existsSync(file));
const describeWithPooler = findPostgres() === undefined || PGBOUNCER === undefined ? describe.skip : describe;
const OPTIONS = { webhooks: true, now: NOW };

describeWithPooler('a state behind PgBouncer in transaction mode', () => {
  let cluster: Cluster;
  let url: string;
  let database: string;
  let stop: () => void;
  let folder: string;
  const opened: State[] = [];
  beforeAll(async () => {
    cluster = await startCluster();
    database = await cluster.createDatabase();
    const port = await freePort();
    folder = mkdtempSync(join(tmpdir(), 'recordupload-pooler-'));
    const file = join(folder, 'pgbouncer.ini');
    // Two server connections: a transaction may get another one than the last.
    const lines = [
      '[databases]',
      `* = host=127.0.0.1 port=${cluster.port} user=postgres`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = transaction',
      'default_pool_size = 2',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chmodSync(folder, 0o755);
    const asNobody = isRoot ? ['-u', 'nobody'] : [];
    const child = spawn(PGBOUNCER!, [...asNobody, file], { stdio: 'ignore' });
    stop = () => child.kill('SIGKILL');
    url = `postgres://postgres@127.0.0.1:${port}/${database}?sslmode=disable`;
    while (!(await answers(port))) await new Promise(resolve => setTimeout(resolve, 20));
  });
  afterEach(async () => {
    for (const state of opened.splice(0)) await state.close();
  });
  afterAll(async () => {
    stop?.();
    await cluster?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const fleetOf = (machine: string) => ({ url, machine, sharedFolders: false, program: 'test' });
  const open = async (machine: string, pid: number) => {
    const state = await openPostgres(fleetOf(machine), pid);
    opened.push(state);
    return state;
  };

  test('is recognised', async () => {
    expect(await lookAtDatabase(fleetOf('studio-a'), folder)).toMatchObject({ isPooled: true });
  });

  test('has owners with leases, which end with their process’s word or their time', async () => {
    const [one, other] = [await open('studio-a', 1), await open('studio-a', 2)];
    expect(await one.journal.begin(TARGET, RECORDING, OPTIONS)).toMatchObject({ ok: true });
    expect(await other.journal.begin(TARGET, RECORDING, OPTIONS)).toEqual({ ok: false, pid: 1 });
    const locks = await cluster.run(
      `SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1`,
      database,
    );
    expect(locks).toEqual([{ n: 0 }]);
    // As if the process had not renewed it.
    await cluster.run('UPDATE recordupload.owners SET lease_until = 1 WHERE pid = 1', database);
    expect(await other.journal.begin(TARGET, RECORDING, OPTIONS)).toMatchObject({ ok: true });
    await other.journal.finish(REF, { state: 'done', error: null, now: NOW });
  });

  test('a process whose lease was over claims as another owner', async () => {
    const one = await open('studio-a', 3);
    expect(await one.takeWorker(NOW)).toMatchObject({ ok: true });
    const ownerOf = async () => (await cluster.run('SELECT owner FROM recordupload.worker', database))[0]?.owner;
    const before = await ownerOf();
    await cluster.run('UPDATE recordupload.owners SET lease_until = 1 WHERE pid = 3', database);
    expect(await one.takeWorker(NOW + 1)).toEqual({ ok: false, pid: 3, since: NOW });
    expect(await ownerOf()).not.toBe(before);
  });

  test('leaves no setting behind in connections that others use', async () => {
    const one = await open('studio-a', 4);
    await one.notePass(NOW);
    const paths = await Promise.all([1, 2, 3].map(() => searchPath(url)));
    expect(new Set(paths)).toEqual(new Set(['"$user", public']));
  });

  test('several processes at once lose no write', async () => {
    const states = await Promise.all([1, 2, 3].map(pid => open('studio-b', 10 + pid)));
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        states[index % 3]!.outbox.enqueue({
          recordingId: String(index % 20),
          endpoints: ['a', 'b'],
          payload: `{"n":${index}}`,
          contentHash: String(index),
          now: NOW + index,
        }),
      ),
    );
    const pending = await states[0]!.outbox.list({ states: ['pending'] });
    expect(pending).toHaveLength(40);
  });
});

async function searchPath(connectionString: string): Promise<unknown> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query('SHOW search_path')).rows[0].search_path;
  } finally {
    await client.end();
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
