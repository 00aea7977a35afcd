import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { openDashboard } from '../dashboard/support.ts';
import { describeWithPostgres, useCluster } from '../state/postgres/support.ts';
import { programCommand } from '../support/built-program.ts';
import { openDesk, openSandbox, readJson, SECRETS } from '../support/desk.ts';
import { makeFleet, WITH_PASSWORD } from '../support/fleet.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

/* What a machine of a fleet says, and does, while the database of its state cannot be used. */

const sandbox = await openSandbox({ receiver: { users: 'any' } });
const NOWHERE = 'postgres://someone@127.0.0.1:1/nowhere';
const AWAY = "the state's database at 127.0.0.1:1/nowhere cannot be reached (ECONNREFUSED)";

/** What `doctor` asks has no body. */
const postsOf = (id: string) => sandbox.receiver.requests().filter(({ body }) => body.includes(id));

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that asks for the password in plain text, and puts it into its answer. */
async function startEcho(): Promise<number> {
  const server = createServer(socket => {
    let isAsked = false;
    socket.on('error', () => {});
    socket.on('data', data => {
      // An offer of TLS is refused; what comes then has the user's name.
      if (data.length === 8) return socket.write('N');
      if (!isAsked) {
        isAsked = true;
        return socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
      }
      const password = data.subarray(5, -1).toString();
      const text = Buffer.from(`SFATAL\0C57P03\0Mnot now, ${password}\0D${password}\0H${password}\0\0`);
      const head = Buffer.alloc(5);
      head.write('E');
      head.writeInt32BE(text.length + 4, 1);
      return socket.end(Buffer.concat([head, text]));
    });
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

test('what a server says never has the password that it was given', async () => {
  const port = await startEcho();
  const desk = openDesk(sandbox, {
    RECORDUPLOAD_STATE_URL: `postgres://someone:${SECRETS.token}@127.0.0.1:${port}/kept`,
    RECORDUPLOAD_MACHINE: 'studio-a',
  });
  const said = 'cannot be reached (not now, ***)';
  const doctor = await desk.run(['doctor']);
  expect(doctor.stdout).toContain(said);
  for (const command of [['retry'], ['status'], ['prune'], ['state', 'move', '--to', 'postgres']])
    expect((await desk.run(command)).stderr).toContain(said);
  const id = freshId();
  const upload = await desk.run(['upload', makeRecording({ name: id })]);
  expect(upload).toMatchObject({ code: 0, stderr: expect.stringContaining(said) });
  // The desk looks for the password in all that was printed, and in the log, after the test.
  expect(readFileSync(join(desk.stateDir, 'logs', 'app.log'), 'utf8')).toContain(said);
});

test('retry does not say that nothing is due, or that another process sends what only the database can hand out', async () => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_STATE_URL: NOWHERE, RECORDUPLOAD_MACHINE: 'studio-a' });
  const first = await desk.run(['retry']);
  expect(first).toMatchObject({
    code: 0,
    stdout: 'no unfinished upload on this machine; webhooks wait for the database of the state\n',
  });
  const id = freshId();
  await desk.run(['upload', makeRecording({ name: id })]);
  expect(postsOf(id)).toEqual([]);
  const all = await desk.run(['retry']);
  expect(all).toMatchObject({
    code: 5,
    stdout: `no unfinished upload on this machine; webhooks wait for the database of the state
1 webhook of this machine not sent; next: recordupload retry, once the database is back
`,
  });
  const one = await desk.run(['retry', '--now', id]);
  expect(one.code).toBe(5);
  expect(one.stdout).toContain('queued on this machine, and is sent once the database of the state is back');
  expect(one.stdout).not.toContain('another process');
  const { stdout } = await desk.run(['retry', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ exitCode: 5, result: { away: AWAY } });
});

test('monitoring and the dashboard do not take what one machine knows for the fleet', async () => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_STATE_URL: NOWHERE, RECORDUPLOAD_MACHINE: 'studio-a' });
  const line = `${AWAY}; this is what this machine (studio-a) knows`;
  // Also where it knows nothing yet.
  const nothing = await desk.run(['status']);
  expect(nothing).toMatchObject({ code: 0, stderr: `warning: ${line}\n` });
  expect(nothing.stdout).toContain('uploads   0 uploading');
  await desk.run(['upload', makeRecording({ name: freshId() })]);
  const dashboard = await openDashboard(desk);
  try {
    const ready = await dashboard.ask('/readyz');
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.body)).toMatchObject({ ready: false, state: false });
    const numbers = (await dashboard.ask('/metrics')).body;
    expect(numbers).toContain('recordupload_fleet_database_up 0\n');
    expect(numbers).toContain('recordupload_disk_free_bytes{');
    expect(numbers).not.toMatch(/recordupload_(?:recordings|webhooks|machine_alive|sent_file)/);
    const cookie = await dashboard.signIn();
    for (const page of ['/', '/recordings', '/webhooks'])
      expect((await dashboard.ask(page, { cookie })).body.replaceAll('&#39;', "'")).toContain(`role="alert">${line}`);
  } finally {
    await dashboard.close();
  }
});

test('what the others have done is not known, and none of them is said not to be', async () => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_STATE_URL: NOWHERE, RECORDUPLOAD_MACHINE: 'studio-a' });
  await desk.run(['upload', makeRecording({ name: freshId() })]);
  for (const command of ['list', 'status']) {
    expect(await desk.run([command, '--machine', 'studio-b'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('what machine "studio-b" has done is not known here'),
    });
    expect((await desk.run([command, '--machine', 'studio-a'])).code).toBe(0);
  }
});

test('what somebody has to correct is named with the correction; what passes is not', async () => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_STATE_URL: NOWHERE, RECORDUPLOAD_MACHINE: 'studio-a' });
  const passing = await desk.run(['retry']);
  expect(passing.stderr).toContain(`${AWAY}; uploads go on`);
  const insecure = await desk.run(['retry'], {
    env: { RECORDUPLOAD_STATE_URL: `postgres://someone@127.0.0.1:${await startEcho()}/kept?sslmode=require` },
  });
  expect(insecure.stderr).toContain('does not encrypt connections (set ssl = on at the server;');
});

describeWithPostgres('a database that a machine may not use', () => {
  const stage = useCluster(WITH_PASSWORD);

  test('without a password, an upload goes on, and the line says what to correct', async () => {
    const { desks, database } = await makeFleet(stage.cluster, sandbox, ['studio-a']);
    const url = stage.cluster.url(database, { user: `r_${database}` });
    const id = freshId();
    const upload = await desks[0].run(['upload', makeRecording({ name: id })], {
      env: { RECORDUPLOAD_STATE_URL: url },
    });
    expect(upload).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('the password of stateUrl (correct stateUrl'),
    });
    expect((await desks[0].run(['retry', '--now'])).code).toBe(0);
    expect(postsOf(id)).toHaveLength(1);
  });

  test('a role that may not make a schema is told the SQL by doctor and by each upload', async () => {
    const { desks, database } = await makeFleet(stage.cluster, sandbox, ['studio-a']);
    await stage.cluster.run(`CREATE ROLE poor_${database} LOGIN PASSWORD '${SECRETS.token}'`);
    const url = stage.cluster.url(database, { user: `poor_${database}`, password: SECRETS.token });
    const env = { RECORDUPLOAD_STATE_URL: url };
    const doctor = await desks[0].run(['doctor'], { env });
    expect(doctor.code).toBe(4);
    expect(doctor.stdout).toMatch(/✘ state database: the user of stateUrl may not use .*may not create a schema/);
    expect(doctor.stdout).toContain('recordupload state sql prints the SQL');
    const upload = await desks[0].run(['upload', makeRecording({ name: freshId() })], { env });
    expect(upload).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('(recordupload state sql prints the SQL'),
    });
    await stage.cluster.run((await desks[0].run(['state', 'sql'], { env })).stdout, database);
    expect((await desks[0].run(['doctor'], { env })).stdout).toContain('✔ state database');
    expect((await desks[0].run(['retry', '--now'], { env })).code).toBe(0);
  });

  (process.getuid?.() === 0 ? test : test.skip)('a user without a name is asked for one', async () => {
    const { desks, database } = await makeFleet(stage.cluster, sandbox, ['studio-a']);
    const [home, url] = [tempDir(), `postgres://127.0.0.1:${stage.cluster.port}/${database}`];
    mkdirSync(join(home, 'work'));
    for (const dir of [home, join(home, 'work')]) chmodSync(dir, 0o777);
    const env = { HOME: home, RECORDUPLOAD_STATE_URL: url };
    const { code, stderr } = await desks[0].run(['prune'], { env, user: 54_321, cwd: join(home, 'work') });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'error: stateUrl names no user, and the user of this process has no name (name one: postgres://user@host/database)\n',
    });
  });

  /** Runs a command with the state folder on a disk of its own, which has room for little more than that. */
  const onFullDisk = (stateDir: string, env: NodeJS.ProcessEnv, args: readonly string[]) => {
    const [mount, script] = [
      tempDir(),
      `mount -t tmpfs -o size=2m,mode=700 tmpfs "$0" && cp -a "$1"/. "$0" && shift &&
       dd if=/dev/zero of="$0/other-files" bs=1k count=$(($(df --output=avail "$0" | tail -n 1) - 150)) 2>/dev/null &&
       { "$@"; code=$?; ls "$0"; exit $code; }`,
    ];
    return spawnSync('unshare', ['-r', '-m', 'sh', '-c', script, mount, stateDir, ...programCommand, ...args], {
      env: { PATH: process.env.PATH, ...env, RECORDUPLOAD_STATE_DIR: mount },
      encoding: 'utf8',
    });
  };
  const canMount = spawnSync('unshare', ['-r', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', tempDir()]).status === 0;

  (canMount ? test : test.skip)(
    'a disk that has no room for the copy of a state ends its move, with a line',
    async () => {
      const { desks } = await makeFleet(stage.cluster, sandbox, ['studio-a']);
      const [desk] = desks;
      await desk.run(['upload', makeRecording({ name: freshId() })], { env: { RECORDUPLOAD_STATE_URL: '' } });
      const { status, stdout, stderr } = onFullDisk(desk.stateDir, desk.env, ['state', 'move', '--to', 'postgres']);
      expect({ status, stderr }).toEqual({
        status: 4,
        stderr: expect.stringMatching(/^error: the disk of the state folder .* is full \(.*\)\n$/),
      });
      expect(stdout).toContain('state.db');
      expect(stdout).not.toContain('moved-');
    },
  );

  test('a machine that is called otherwise than when its state was moved gets no empty state', async () => {
    const { desks } = await makeFleet(stage.cluster, sandbox, ['studio-a']);
    const [desk] = desks;
    const id = freshId();
    const alone = { RECORDUPLOAD_STATE_URL: '' };
    await desk.run(['upload', makeRecording({ name: id })], { env: alone });
    await desk.run(['state', 'move', '--to', 'postgres']);
    const renamed = { RECORDUPLOAD_MACHINE: 'studio-b' };
    for (const dryRun of [['--dry-run'], []]) {
      expect(await desk.run(['state', 'move', '--to', 'sqlite', ...dryRun], { env: renamed })).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/has nothing of machine studio-b; nothing was moved .*\(known: studio-a\)/),
      });
    }
    // The others know the machine by then, before it has done anything there.
    expect((await desk.run(['list', '--machine', 'studio-a'], { env: renamed })).stdout).toContain(id);
    // Again: nothing is there to be copied.
    const again = readJson<{ backup: string | null }>(await desk.run(['state', 'move', '--to', 'postgres', '--json']));
    expect(again.result.backup).toBeNull();
    expect((await desk.run(['state', 'move', '--to', 'sqlite'])).code).toBe(0);
    expect((await desk.run(['list'], { env: alone })).stdout).toContain(id);
  });
});
