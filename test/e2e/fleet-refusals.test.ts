import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { describeWithPostgres, useCluster } from '../state/postgres/support.ts';
import { type Desk, openDesk, openSandbox, SECRETS, webhooksOf } from '../support/desk.ts';
import { WITH_PASSWORD } from '../support/fleet.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import type { RunningCli } from '../support/run-cli.ts';

/* An administrator, or a limit, gets between a fleet and its database while an upload is under way. */

describeWithPostgres('in the middle of an upload', () => {
  const stage = useCluster(WITH_PASSWORD);
  let sandbox: Sandbox;
  let desk: Desk;
  let database: string;
  let role: string;
  let id: string;
  beforeAll(async () => {
    sandbox = await openSandbox();
  });
  beforeEach(async () => {
    database = await stage.cluster.createDatabase();
    role = `r_${database}`;
    id = freshId();
    await stage.cluster.run(`CREATE ROLE ${role} LOGIN PASSWORD '${SECRETS.token}'`);
    desk = openDesk(sandbox, {
      RECORDUPLOAD_STATE_URL: stage.cluster.url(database, { user: role, password: SECRETS.token }),
      RECORDUPLOAD_MACHINE: 'studio-a',
      RECORDUPLOAD_SETTLE: '0s',
    });
    const { stdout } = await desk.run(['state', 'sql', '--role', role]);
    await stage.cluster.run(stdout, database);
    expect(await desk.run(['upload', makeRecording()])).toMatchObject({ code: 0 });
  });

  const fill = (sql: string) => sql.replaceAll('$role', role).replaceAll('$database', database);
  const runAll = async (...statements: string[]) => {
    for (const sql of statements) await stage.cluster.run(fill(sql));
  };
  /** An upload that has begun, and has a while to go. */
  const begin = async (): Promise<RunningCli> => {
    const running = desk.start(['upload', makeRecording({ name: id })], { env: { RECORDUPLOAD_BWLIMIT: '64KiB' } });
    await running.prints('thumbnail.jpg');
    return running;
  };
  const END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$database'";

  test.each([
    ['each of its sessions is ended', [END_SESSIONS], []],
    [
      'its sessions are ended, and the role may wait for nothing',
      [
        "ALTER ROLE $role SET lock_timeout = '1ms'",
        "ALTER ROLE $role SET idle_session_timeout = '50ms'",
        "ALTER ROLE $role SET idle_in_transaction_session_timeout = '20ms'",
        "ALTER ROLE $role SET statement_timeout = '500ms'",
        END_SESSIONS,
      ],
      ['ALTER ROLE $role RESET ALL'],
    ],
  ])('%s: it goes on, and its webhook is sent', async (_, breaks, mends) => {
    const running = await begin();
    await runAll(...breaks);
    const { code, stdout, stderr } = await running.result;
    await runAll(...mends);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringContaining('webhook delivered') });
    expect(stderr).not.toContain('warning');
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test.each([
    [
      'the role may have no connection any more',
      ['ALTER ROLE $role CONNECTION LIMIT 0', END_SESSIONS],
      ['ALTER ROLE $role CONNECTION LIMIT -1'],
      'has no connection left for this process; ',
    ],
    [
      'the role may have one connection alone',
      ['ALTER ROLE $role CONNECTION LIMIT 1', END_SESSIONS],
      ['ALTER ROLE $role CONNECTION LIMIT -1'],
      'has no connection left for this process; ',
    ],
    [
      'the role loses its rights',
      ['#REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA recordupload FROM $role'],
      ['#GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA recordupload TO $role'],
      'the user of stateUrl may not use the state in the database at ',
    ],
    [
      'the role may no longer write',
      ['ALTER ROLE $role SET default_transaction_read_only = on', END_SESSIONS],
      ['ALTER ROLE $role RESET default_transaction_read_only'],
      'refuses all writes (default_transaction_read_only is on for the server, the database or the user of stateUrl',
    ],
    [
      'the database gets another name',
      [
        'ALTER DATABASE $database ALLOW_CONNECTIONS false',
        END_SESSIONS,
        'ALTER DATABASE $database RENAME TO renamed_$database',
      ],
      ['ALTER DATABASE renamed_$database RENAME TO $database', 'ALTER DATABASE $database ALLOW_CONNECTIONS true'],
      / does not exist \(create it| is not currently accepting connections /,
    ],
    [
      'the database is dropped',
      ['DROP DATABASE $database WITH (FORCE)'],
      ['CREATE DATABASE $database OWNER $role'],
      'does not exist (create it (createdb), or name another one in stateUrl)',
    ],
    [
      'the role’s password is changed',
      ["ALTER ROLE $role PASSWORD 'fake-other'", END_SESSIONS],
      [`ALTER ROLE $role PASSWORD '${SECRETS.token}'`],
      'does not accept the user or the password of stateUrl',
    ],
  ])('%s: it has its line, and the webhook is sent once that is mended', async (_, breaks, mends, says) => {
    const there = async (sql: string) => await stage.cluster.run(fill(sql.slice(1)), database);
    const all = async (statements: string[]) => {
      for (const sql of statements) await (sql.startsWith('#') ? there(sql) : runAll(sql));
    };
    const running = await begin();
    await all(breaks);
    const { code, stdout, stderr } = await running.result;
    const shown = await desk.run(['status']);
    expect(webhooksOf(sandbox, id)).toEqual([]);
    const looked = await desk.run(['doctor']);
    // Of doctor's look at the server.
    sandbox.receiver.resetRequests();
    await all(mends);
    expect({ code, stdout, stderr }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('queued on this machine'),
    });
    expect(stderr).toEqual(typeof says === 'string' ? expect.stringContaining(says) : expect.stringMatching(says));
    expect(stderr.match(/warning:/g)).toHaveLength(1);
    expect(shown.stdout).toContain('next: recordupload retry');
    expect(looked).toMatchObject({ code: 4, stdout: expect.stringMatching(/✘ (?:state database|rights)/) });
    expect(await desk.run(['retry', '--now'])).toMatchObject({ code: 0 });
    expect(await desk.run(['retry', '--now'])).toMatchObject({ code: 0 });
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('the server is restarted: its webhook is sent, by this command or the next', async () => {
    const running = await begin();
    await stage.cluster.stop('fast');
    await stage.cluster.start();
    const { code, stderr } = await running.result;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(await desk.run(['retry', '--now'])).toMatchObject({ code: 0 });
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('of a worker, the database is dropped and made again: it makes its schema there, and goes on', async () => {
    const worker = desk.start(['watch', '--progress', 'plain']);
    await worker.prints('watching');
    await runAll('DROP DATABASE $database WITH (FORCE)', 'CREATE DATABASE $database OWNER $role');
    expect(await desk.run(['enqueue', makeRecording({ name: id })])).toMatchObject({ code: 0 });
    while (webhooksOf(sandbox, id).length === 0) await new Promise(resolve => setTimeout(resolve, 20));
    worker.kill('SIGTERM');
    await worker.result;
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });
});
