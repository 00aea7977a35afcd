import { expect, test } from '@jest/globals';
import { describeWithPostgres, useCluster } from '../state/postgres/support.ts';
import { type Desk, openDesk, openSandbox, SECRETS } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

/** The program as users run it, on machines whose state is in PostgreSQL. */
describeWithPostgres('a fleet', () => {
  const stage = useCluster({ access: ['host all all all scram-sha-256'] });
  const PASSWORD = SECRETS.token;

  /** Machines with one database and one sandbox. */
  const makeFleet = async (...names: string[]): Promise<{ desks: Desk[]; database: string; url: string }> => {
    const sandbox = await openSandbox({ receiver: { users: 'any' } });
    const database = await stage.cluster.createDatabase();
    await stage.cluster.run(`CREATE ROLE r_${database} SUPERUSER LOGIN PASSWORD '${PASSWORD}'`);
    const url = stage.cluster.url(database, { user: `r_${database}`, password: PASSWORD });
    const desks = names.map(machine =>
      openDesk(sandbox, { RECORDUPLOAD_STATE_URL: url, RECORDUPLOAD_MACHINE: machine }),
    );
    return { desks, database, url };
  };

  test('uploads, shows and delivers from one state; an ID is one machine’s', async () => {
    const { desks, database } = await makeFleet('studio-a', 'studio-b');
    const [one, other] = desks as [Desk, Desk];
    const dir = makeRecording({ name: '42' });
    const first = await one.run(['upload', dir]);
    expect(first.code).toBe(0);
    expect(first.stdout).toContain('42');
    // The other machine sees it, and may not take its ID.
    expect((await other.run(['list'])).stdout).toContain('42');
    expect((await other.run(['status'])).code).toBe(0);
    expect((await other.run(['webhook', 'history', '42'])).stdout).toContain('201');
    const taken = await other.run(['upload', makeRecording({ name: '42' })]);
    expect([taken.code, taken.stderr]).toEqual([
      3,
      expect.stringContaining(
        'machine studio-a has a recording with the ID 42 (give this one another ID: --id, or an idPrefix',
      ),
    ]);
    expect(await stage.cluster.run('SELECT id, machine FROM recordupload.recordings', database)).toEqual([
      { id: '42', machine: 'studio-a' },
    ]);
    // Again, nothing has to be sent.
    expect((await one.run(['upload', dir])).code).toBe(0);
    expect((await other.run(['retry'])).code).toBe(0);
    expect((await one.run(['logs', '--id', '42'])).code).toBe(0);
    expect((await one.run(['prune'])).code).toBe(0);
  });

  test('doctor shows the database, and never its password', async () => {
    const { desks } = await makeFleet('studio-a');
    const [desk] = desks as [Desk];
    const before = await desk.run(['doctor']);
    expect(before.stdout).toMatch(/state database: PostgreSQL \d+\.\d+ at 127\.0\.0\.1:\d+, no schema yet/);
    await desk.run(['retry']);
    const { stdout } = await desk.run(['doctor']);
    expect(stdout).toMatch(/state database: PostgreSQL .*, schema version \d+, not encrypted, as machine studio-a/);
    expect(stdout).toMatch(/round trip to the state database: /);
    const shown = await desk.run(['config', 'show']);
    expect(shown.stdout).toMatch(/stateUrl\s+set/);
  });

  test('a database that is away has one line, and the machine shows what it knows itself', async () => {
    const { desks } = await makeFleet('studio-a');
    const [desk] = desks as [Desk];
    const away = { RECORDUPLOAD_STATE_URL: `postgres://someone:${PASSWORD}@127.0.0.1:1/nowhere` };
    const line = "the state's database at 127.0.0.1:1/nowhere cannot be reached (ECONNREFUSED)";
    for (const command of [['status'], ['list']]) {
      const { code, stderr } = await desk.run(command, { env: away });
      expect([code, stderr]).toEqual([0, `warning: ${line}; this is what this machine (studio-a) knows\n`]);
    }
    const { code, stdout } = await desk.run(['doctor'], { env: away });
    expect([code, stdout]).toEqual([4, expect.stringContaining(`✘ state database: ${line}`)]);
  });

  test('state sql prints what a database without a schema takes', async () => {
    const { desks, database } = await makeFleet('studio-a');
    const [desk] = desks as [Desk];
    const { code, stdout } = await desk.run(['state', 'sql']);
    expect(code).toBe(0);
    await stage.cluster.run(stdout, database);
    expect((await desk.run(['status'])).code).toBe(0);
    const other = await desk.run(['state', 'sql', '--role', 'somebody "else"']);
    expect(other.stdout).toContain('TO "somebody ""else""";');
    const nobody = await desk.run(['state', 'sql'], { env: { RECORDUPLOAD_STATE_URL: '' } });
    expect([nobody.code, nobody.stderr]).toEqual([
      2,
      expect.stringContaining('nothing says for which role the SQL is'),
    ]);
  });
});
