import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { describeWithPostgres, useCluster } from '../state/postgres/support.ts';
import { type Desk, openSandbox, webhooksOf } from '../support/desk.ts';
import { makeFleet, WITH_PASSWORD } from '../support/fleet.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { type SilentProxy, startSilentProxy } from '../support/silent-proxy.ts';

/* The database stops answering in mid-query: its connections stay open, and no error comes. */

describeWithPostgres('a database that says nothing any more', () => {
  const stage = useCluster(WITH_PASSWORD);
  let sandbox: Sandbox;
  let proxy: SilentProxy;
  let desk: Desk;
  let database: string;
  beforeAll(async () => {
    sandbox = await openSandbox();
  });
  beforeEach(async () => {
    proxy = await startSilentProxy(stage.cluster.port);
    const fleet = await makeFleet(stage.cluster, sandbox, ['studio-a'], { RECORDUPLOAD_SETTLE: '0s' });
    [desk] = fleet.desks;
    database = fleet.database;
    desk.env.RECORDUPLOAD_STATE_URL = fleet.url.replace(`:${stage.cluster.port}/`, `:${proxy.port}/`);
    // Makes the schema.
    expect(await desk.run(['upload', makeRecording()])).toMatchObject({ code: 0 });
  });
  afterEach(() => proxy.close());

  const LINE =
    /^warning: the state's database at 127\.0\.0\.1:\d+\/state_\d+ cannot be reached \(no answer for \d+ s\); /m;
  const upload = (...ids: string[]) => ['upload', ...ids.map(name => makeRecording({ name }))];

  /** Stops the server's processes while each waits for a statement: one that has locks would hold up the others, too. */
  const stopIdle = async () => {
    for (;;) {
      const look = `SELECT pid, state FROM pg_stat_activity WHERE datname = '${database}' AND pid <> pg_backend_pid()`;
      const pids = (await stage.cluster.run(look)).map(({ pid }) => Number(pid));
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      const found = await stage.cluster.run(look);
      if (pids.length > 0 && found.length === pids.length && found.every(({ state }) => state === 'idle')) return pids;
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
  };

  test.each([
    ['as the process makes itself known', 'INSERT INTO owners'],
    ['in a write', 'INSERT INTO recordings'],
    ['with the answer to a COMMIT', 'COMMIT\0'],
  ])('%s: uploads go on without it, and nobody waits for it a second time', async (_, word) => {
    const ids = [freshId(), freshId(), freshId()];
    void proxy.fallSilentAt(word);
    const away = await desk.run(upload(...ids));
    expect(away).toMatchObject({ code: 0, stderr: expect.stringMatching(LINE) });
    expect(away.stderr.match(/no answer/g)).toHaveLength(1);
    expect(away.stdout.match(/queued on this machine/g)).toHaveLength(3);
    const status = await desk.run(['status']);
    expect([status.code, status.stderr]).toEqual([0, expect.stringMatching(LINE)]);
    for (const id of ids) expect(webhooksOf(sandbox, id)).toEqual([]);
    proxy.mend();
    expect(await desk.run(['retry', '--now'])).toMatchObject({ code: 0 });
    for (const id of ids) expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test.each([
    ['as the process makes itself known', 'INSERT INTO owners'],
    ['with the answer to a COMMIT', 'COMMIT\0'],
  ])('only to the connections that are open, %s: new ones take their place', async (_, word) => {
    const id = freshId();
    void proxy.fallSilentAt(word, { toNew: false });
    const { code, stdout, stderr } = await desk.run(upload(id));
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringContaining('webhook delivered') });
    expect(stderr).not.toContain('warning');
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('because its processes are stopped: others take their place', async () => {
    const id = freshId();
    const running = desk.start(upload(id), { env: { RECORDUPLOAD_BWLIMIT: '64KiB' } });
    await running.prints('thumbnail.jpg');
    const pids = await stopIdle();
    try {
      const { code, stdout, stderr } = await running.result;
      expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringContaining('webhook delivered') });
      expect(webhooksOf(sandbox, id)).toHaveLength(1);
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
  });

  test('while `status` reads: it shows what this machine knows', async () => {
    void proxy.fallSilentAt('REPEATABLE READ');
    const { code, stdout, stderr } = await desk.run(['status']);
    expect([code, stderr]).toEqual([0, expect.stringMatching(LINE)]);
    expect(stderr).toContain('this is what this machine (studio-a) knows');
    expect(stdout).not.toBe('');
  });

  test('is not one that is busy: what a lock holds up is waited for', async () => {
    const id = freshId();
    const asked = proxy.sends('FROM pg_stat_activity WHERE pid');
    const client = await stage.cluster.connect(database);
    await client.query('BEGIN; LOCK TABLE recordupload.recordings');
    const running = desk.start(upload(id));
    // The program finds out that the server works at it.
    await asked;
    await client.query('COMMIT');
    await client.end();
    const { code, stdout, stderr } = await running.result;
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringContaining('webhook delivered') });
    expect(stderr).not.toContain('warning');
  });
});
