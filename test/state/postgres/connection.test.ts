import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { lookAtDatabase, schemaSql } from '../../../src/state/open.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { type Cluster, findPostgres, freePort, startCluster } from '../../support/postgres.ts';
import { failureOf } from '../sqlite/support.ts';
import { describeWithPostgres, openPostgres } from './support.ts';

const PASSWORD = 'fake-p@ss/word';
const WRITTEN = encodeURIComponent(PASSWORD);

/** A message of the server's (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
function message(type: string, numbers: readonly number[], text: string): string {
  const body = String.fromCharCode(...numbers) + text;
  return `${type}\0\0\0${String.fromCharCode(body.length + 4)}${body}`;
}

describeWithPostgres('a connection to the state’s database', () => {
  let cluster: Cluster;
  let folder: string;
  let cert: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'recordupload-tls-'));
    const made = makeCertificate(folder);
    cert = made.cert;
    cluster = await startCluster({
      access: [
        'hostssl all locked-out all reject',
        'hostssl all all all scram-sha-256',
        'hostnossl all plain all scram-sha-256',
      ],
    });
    const owner = statSync(join(cluster.dir, 'data'));
    for (const [from, name] of [
      [made.cert, 'server.crt'],
      [made.key, 'server.key'],
    ] as const) {
      const file = join(cluster.dir, 'data', name);
      copyFileSync(from, file);
      chownSync(file, owner.uid, owner.gid);
      chmodSync(file, 0o600);
    }
    await cluster.run(`ALTER SYSTEM SET ssl = on`);
    await cluster.run('SELECT pg_reload_conf()');
    for (const role of ['keeper', 'plain', 'locked-out'])
      await cluster.run(`CREATE ROLE "${role}" LOGIN PASSWORD '${PASSWORD}'`);
    await cluster.run('CREATE DATABASE kept OWNER keeper');
  });
  afterAll(async () => {
    await cluster?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const fleetOf = (url: string, ca?: string) => ({ url, machine: 'studio', sharedFolders: false, program: 'test', ca });
  const urlOf = (
    parameters: string,
    { user = 'keeper', password = WRITTEN, database = 'kept', host = '127.0.0.1' } = {},
  ) => `postgres://${user}:${password}@${host}:${cluster.port}/${database}?${parameters}`;
  const look = (url: string, ca?: string) => lookAtDatabase(fleetOf(url, ca), folder);
  const refusal = async (url: string, ca?: string) => {
    const { code, message, hint } = await failureOf(look(url, ca));
    expect(code).toBe('STATE');
    const said = `${message} (${hint})`;
    expect(said).not.toContain(PASSWORD);
    expect(said).not.toContain(WRITTEN);
    return said;
  };

  test('is encrypted where the server can, on loopback without proof of who it is', async () => {
    expect(await look(urlOf(''))).toMatchObject({ isEncrypted: true, isPooled: false, schemaVersion: 0 });
    expect(await look(urlOf('sslmode=require'))).toMatchObject({ isEncrypted: true });
  });

  test('is not encrypted where its URL says so, or where the server takes it only so', async () => {
    expect(await look(urlOf('sslmode=disable', { user: 'plain' }))).toMatchObject({ isEncrypted: false });
    expect(await look(urlOf('sslmode=allow', { user: 'plain' }))).toMatchObject({ isEncrypted: false });
    expect(await look(urlOf('sslmode=allow'))).toMatchObject({ isEncrypted: true });
  });

  test('may be a socket of this machine', async () => {
    const url = `postgres://postgres@/kept?host=${encodeURIComponent(cluster.dir)}&port=${cluster.port}`;
    expect(await look(url)).toMatchObject({ host: `${cluster.dir}/.s.PGSQL.${cluster.port}`, isEncrypted: false });
  });

  test('verifies the certificate with verify-full, against the authority that is named', async () => {
    expect(await refusal(urlOf('sslmode=verify-full'))).toMatch(
      /^the certificate of the state's database at .* is not trusted/,
    );
    const rooted = `sslmode=verify-full&sslrootcert=${encodeURIComponent(cert)}`;
    expect(await look(urlOf(rooted))).toMatchObject({ isEncrypted: true });
    expect(await look(urlOf(rooted, { host: 'localhost' }))).toMatchObject({ isEncrypted: true });
    expect(await look(urlOf('sslmode=verify-full'), readFileSync(cert, 'utf8'))).toMatchObject({ isEncrypted: true });
  });

  test('of another name is refused with verify-full, and accepted with verify-ca', async () => {
    const other = mkdtempSync(join(folder, 'other-'));
    const made = makeCertificate(other, 'DNS:db.example.com');
    const owner = statSync(join(cluster.dir, 'data'));
    const target = join(cluster.dir, 'data', 'other.crt');
    const key = join(cluster.dir, 'data', 'other.key');
    copyFileSync(made.cert, target);
    copyFileSync(made.key, key);
    for (const file of [target, key]) {
      chownSync(file, owner.uid, owner.gid);
      chmodSync(file, 0o600);
    }
    await cluster.run(`ALTER SYSTEM SET ssl_cert_file = 'other.crt'`);
    await cluster.run(`ALTER SYSTEM SET ssl_key_file = 'other.key'`);
    await cluster.run('SELECT pg_reload_conf()');
    try {
      const root = `sslrootcert=${encodeURIComponent(made.cert)}`;
      await expect(look(urlOf(`sslmode=verify-ca&${root}`))).resolves.toMatchObject({ isEncrypted: true });
      expect(await refusal(urlOf(`sslmode=verify-full&${root}`))).toContain('is not trusted');
    } finally {
      await cluster.run('ALTER SYSTEM RESET ssl_cert_file');
      await cluster.run('ALTER SYSTEM RESET ssl_key_file');
      await cluster.run('SELECT pg_reload_conf()');
    }
  });

  test.each([
    [
      'a wrong password',
      () => urlOf('', { password: 'fake-other' }),
      'does not accept the user or the password of stateUrl',
    ],
    ['a database that does not exist', () => urlOf('', { database: 'nowhere' }), 'does not exist'],
    ['a user who is locked out', () => urlOf('', { user: 'locked-out' }), 'lets this machine or user not in'],
    [
      'a port where nothing listens',
      () => `postgres://keeper:${WRITTEN}@127.0.0.1:1/kept`,
      'cannot be reached (ECONNREFUSED)',
    ],
    ['a host that is none', () => `postgres://keeper:${WRITTEN}@nowhere.invalid/kept`, 'cannot be reached (ENOTFOUND)'],
    ['a file that cannot be read', () => urlOf('sslmode=verify-ca&sslrootcert=/nowhere.pem'), ''],
  ])('%s has a line of its own, without the password', async (_, url, says) => {
    const failure = await failureOf(look(url()));
    expect(failure.message).toContain(says);
    expect(`${failure.message} ${failure.hint}`).not.toMatch(/fake/);
    expect(failure.hint).toBeDefined();
  });

  test('a server that asks for a password where there is none has the line of a wrong password', async () => {
    const { code, message } = await failureOf(look(`postgres://keeper@127.0.0.1:${cluster.port}/kept`));
    expect([code, message]).toEqual(['STATE', expect.stringContaining('does not accept the user or the password')]);
  });

  test.each([
    ['ends before it has said who it is', ''],
    ['speaks another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['offers ways to sign in that nobody knows', message('R', [0, 0, 0, 10], 'FUTURE-1\0\0')],
    ['puts the password into its answer', message('E', [], `SFATAL\0CXX000\0Mno ${PASSWORD} here\0\0`)],
  ])('a server that %s is one that cannot be used, and nothing else', async (_, answer) => {
    const server = createServer(socket => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(Buffer.from(answer, 'latin1')));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      await refusal(`postgres://keeper:${WRITTEN}@127.0.0.1:${port}/kept?sslmode=disable`);
    } finally {
      server.close();
    }
  });

  test('this machine shows a certificate of its own, with a key that nobody else can read', async () => {
    const key = join(folder, 'key.pem');
    chmodSync(key, 0o600);
    const withKey = (own: string, file = key) => urlOf(`sslmode=require&sslcert=${own}&sslkey=${file}`);
    await expect(look(withKey(cert))).resolves.toMatchObject({ isEncrypted: true });
    const other = mkdtempSync(join(folder, 'other-'));
    const stranger = makeCertificate(other);
    chmodSync(stranger.key, 0o600);
    const flaws = [
      [withKey(cert, stranger.key), 'cannot be used (key values mismatch)'],
      [withKey(key), 'cannot be used (no start line)'],
      [urlOf(`sslmode=verify-ca&sslrootcert=${key}`), 'has no certificate in it'],
    ] as const;
    for (const [url, says] of flaws)
      expect(await failureOf(look(url))).toMatchObject({ code: 'CONFIG', message: expect.stringContaining(says) });
    chmodSync(key, 0o644);
    expect(await failureOf(look(withKey(cert)))).toMatchObject({
      code: 'CONFIG',
      message: `stateUrl: sslkey ${key} can be read by other users`,
      hint: `keep it to yourself: chmod 600 ${key}`,
    });
    chmodSync(key, 0o600);
  });

  test('a role that owns the schema, and may make none, makes what is in it', async () => {
    await cluster.run('CREATE DATABASE shared');
    await cluster.run('CREATE SCHEMA recordupload AUTHORIZATION keeper', 'shared');
    const url = urlOf('', { database: 'shared' });
    const state = await openPostgres(fleetOf(url), 1);
    await state.close();
    expect(await look(url)).toMatchObject({ schemaVersion: expect.any(Number), lacks: undefined });
  });

  test.each([
    ['may not make a schema', '', 'it may not create a schema'],
    [
      'may make nothing in the schema',
      'CREATE SCHEMA recordupload; GRANT USAGE ON SCHEMA recordupload TO looker',
      'it may not create tables',
    ],
    [
      'may not write a table',
      `SQL; REVOKE UPDATE ON recordupload.recordings FROM looker`,
      'it may not change the table recordings',
    ],
    [
      'may not upgrade',
      `SQL; UPDATE recordupload.schema_version SET version = 1`,
      'it may not upgrade the table alert_causes',
    ],
  ])('to look is enough to find out that a role %s', async (_, sql, says) => {
    await cluster.run('CREATE DATABASE looked');
    await cluster.run('DROP ROLE IF EXISTS looker');
    await cluster.run(`CREATE ROLE looker LOGIN PASSWORD '${PASSWORD}'`);
    for (const one of sql.split('; ').filter(Boolean))
      await cluster.run(one === 'SQL' ? await schemaSql('looker') : one, 'looked');
    const { lacks } = await look(urlOf('', { user: 'looker', database: 'looked' }));
    const { message, hint } = lacks!;
    expect(message).toContain(`may not use the state in the database at 127.0.0.1:${cluster.port}/looked (${says}`);
    expect(hint).toContain('recordupload state sql');
    await cluster.run('DROP DATABASE looked');
  });

  test('a server without a connection left has a line of its own', async () => {
    await cluster.run('ALTER ROLE keeper CONNECTION LIMIT 0');
    try {
      expect(await refusal(urlOf(''))).toContain('has no connection left for this process');
    } finally {
      await cluster.run('ALTER ROLE keeper CONNECTION LIMIT -1');
    }
  });

  test('a role that may not create a schema is told the SQL, and works once an administrator has run it', async () => {
    await cluster.run(`CREATE ROLE recorder LOGIN PASSWORD '${PASSWORD}'`);
    await cluster.run('CREATE DATABASE owned');
    const url = urlOf('', { user: 'recorder', database: 'owned' });
    const { message, hint } = await failureOf(openPostgres(fleetOf(url), 1));
    expect(message).toMatch(
      /^the user of stateUrl may not use the state in the database at .* \(permission denied for database owned\)$/,
    );
    expect(hint).toContain('recordupload state sql');
    const sql = await schemaSql('recorder');
    // Again changes nothing.
    for (const _ of [1, 2]) await cluster.run(sql, 'owned');
    const state = await openPostgres(fleetOf(url), 1);
    try {
      expect(await state.takeWorker(1)).toMatchObject({ ok: true });
      await state.notePass(1);
      const queued = await state.outbox.enqueue({
        recordingId: '3',
        endpoints: ['a'],
        payload: '{}',
        contentHash: 'h',
        now: 1,
      });
      expect(queued).toMatchObject([{ how: 'new' }]);
      expect(await state.housekeeping.prune({ settledBefore: 0, now: 1, dryRun: false })).toMatchObject({
        deliveries: 0,
      });
    } finally {
      await state.close();
    }
  });

  describe('of several hosts', () => {
    let standby: { port: number; stop(): void } | undefined;
    afterAll(() => standby?.stop());

    test('is made to the one that answers, and takes writes', async () => {
      await cluster.run(`ALTER SYSTEM SET max_wal_senders = 4`);
      const bin = findPostgres()!;
      const dir = join(cluster.dir, 'standby');
      const asUser = process.getuid?.() === 0 ? ['--reuid=postgres', '--regid=postgres', '--init-groups'] : [];
      const run = (program: string, ...args: string[]) =>
        execFileSync('setpriv', [...asUser, '--pdeathsig=INT', join(bin, program), ...args], {
          cwd: cluster.dir,
          stdio: 'ignore',
        });
      await cluster.stop();
      writeFileSync(
        join(cluster.dir, 'data', 'pg_hba.conf'),
        `local replication postgres trust\n${readFileSync(join(cluster.dir, 'data', 'pg_hba.conf'), 'utf8')}`,
      );
      await cluster.start();
      run(
        'pg_basebackup',
        '-h',
        cluster.dir,
        '-p',
        String(cluster.port),
        '-U',
        'postgres',
        '-D',
        dir,
        '-R',
        '-X',
        'stream',
        '-c',
        'fast',
      );
      const port = await freePort();
      run('pg_ctl', '-D', dir, '-w', '-o', `-p ${port}`, '-l', join(cluster.dir, 'standby.log'), 'start');
      standby = { port, stop: () => run('pg_ctl', '-D', dir, '-m', 'immediate', 'stop') };

      const alone = `postgres://keeper:${WRITTEN}@127.0.0.1:${port}/kept`;
      expect(await refusal(alone)).toContain('is a read-only standby (promote it, or name the primary');
      const hosts = [
        `127.0.0.1:1,127.0.0.1:${port},127.0.0.1:${cluster.port}`,
        `127.0.0.1:${cluster.port},127.0.0.1:${port}`,
      ];
      for (const list of hosts) {
        const found = await look(`postgres://keeper:${WRITTEN}@${list}/kept?target_session_attrs=read-write`);
        expect(found.host).toBe(`127.0.0.1:${cluster.port}`);
      }
      // Once the standby is promoted, work goes on there.
      const state = await openPostgres(fleetOf(`postgres://keeper:${WRITTEN}@${hosts[1]}/kept`), 1);
      try {
        await state.notePass(1);
        await cluster.stop();
        run('pg_ctl', '-D', dir, '-w', 'promote');
        await state.notePass(2);
        expect((await state.overview.measures()).lastPassAt).toBe(2);
      } finally {
        await state.close();
        await cluster.start();
      }
    });
  });
});
