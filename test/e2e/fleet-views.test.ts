import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { shapeOf } from '../cli/shape.ts';
import { describeWithPostgres, useCluster } from '../state/postgres/support.ts';
import { type Desk, openDesk, openSandbox, readJson } from '../support/desk.ts';
import { makeFleet, WITH_PASSWORD } from '../support/fleet.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { until } from '../watch/support.ts';

/* What status, list, history and doctor show of a fleet, and of one machine of it. */

const sandbox = await openSandbox({ receiver: { users: 'any' } });
const BROKEN = { answer: { status: 403, code: 'AccessDenied' } };

/** The document, of a command that may find something wrong. */
async function documentOf(desk: Desk, args: readonly string[]) {
  const { stdout } = await desk.run([...args, '--json']);
  return (JSON.parse(stdout) as { result: Record<string, unknown> }).result;
}

const MACHINE = {
  name: 'string',
  version: 'string',
  alive: 'boolean',
  since: 'null',
  lastSeen: 'string',
  worker: 'null',
  recording: 'number',
  uploading: 'number',
  sending: 'number',
};

describeWithPostgres('the commands that show a fleet', () => {
  const stage = useCluster(WITH_PASSWORD);

  /** studio-a has uploaded one recording; studio-b has left one unfinished, and one was refused there. */
  const makeHistory = async () => {
    const { desks } = await makeFleet(stage.cluster, sandbox, ['studio-a', 'studio-b']);
    const [done, partial] = [freshId(), freshId()];
    const [one, other] = desks;
    expect((await one.run(['upload', makeRecording({ name: done })])).code).toBe(0);
    sandbox.faults.add({ server: 's3', operation: 'PutObject', key: `${partial}/video.mkv`, action: BROKEN });
    expect((await other.run(['upload', makeRecording({ name: partial })])).code).toBe(4);
    const refused = makeRecording({ files: { 'video.mkv': null } });
    expect((await other.run(['upload', refused])).code).toBe(3);
    return { one, other, done, partial, refused };
  };

  test('show all of it from any machine, and with --machine one of it', async () => {
    const { one, other, done, partial, refused } = await makeHistory();
    const status = await one.run(['status']);
    expect(status.code).toBe(4);
    expect(status.stdout).toContain('machines\n  studio-a  not running, last started ');
    expect(status.stdout).toMatch(new RegExp(`${partial} {2}\\d of 3 files, for .*, on studio-b\n`));
    expect(status.stdout).toContain(`${refused}  on studio-b, for `);
    expect(status.stdout).toContain('next: recordupload retry on studio-b');
    expect(status.stdout).not.toMatch(/^next: recordupload retry$/m);
    // A retry can finish its own machine's alone, and does not say that nothing is unfinished, nor that it is in its way.
    for (const [args, env] of [
      [['retry'], {}],
      [['retry', partial], {}],
      [['retry'], { RECORDUPLOAD_BUCKET: 'another-bucket' }],
    ] as const) {
      expect(await one.run(args, { env })).toMatchObject({
        code: 0,
        stdout: `nothing to do on this machine: no unfinished upload, no webhook that is due
${partial}: unfinished on studio-b, which has its folder; next: recordupload retry on studio-b
`,
      });
    }
    const { result } = readJson<{ ofOthers: unknown }>(await one.run(['retry', '--json']));
    expect(result.ofOthers).toEqual([{ recordingId: partial, machine: 'studio-b' }]);
    expect((await other.run(['status'])).stdout).toMatch(/^next: recordupload retry( --now)?$/m);

    const mine = await other.run(['status', '--machine', 'studio-a']);
    expect([mine.code, mine.stdout]).toEqual([0, expect.stringContaining('1 done')]);
    expect(mine.stdout).not.toContain('studio-b');
    expect((await one.run(['status', '--machine', 'studio-b'])).code).toBe(4);

    const list = await one.run(['list']);
    expect(list.stdout).toMatch(new RegExp(` ${done} +studio-a +done `));
    expect(list.stdout).toMatch(new RegExp(` ${partial} +studio-b +partial `));
    const listed = (await one.run(['list', '--machine', 'studio-b'])).stdout;
    expect([listed.includes(partial), listed.includes(done)]).toEqual([true, false]);

    const history = await other.run(['webhook', 'history', done, '--machine', 'studio-a']);
    expect(history.stdout).toContain(`recording ${done}, uploaded by studio-a\n`);
    const elsewhere = await other.run(['webhook', 'history', done, '--machine', 'studio-b']);
    expect([elsewhere.code, elsewhere.stderr]).toEqual([
      2,
      `error: recording ${done} is not one of machine studio-b (it is one of studio-a: leave --machine out)\n`,
    ]);
    expect((await one.run(['status', partial])).stdout).toContain(' on studio-b\n');

    const doctor = await one.run(['doctor']);
    expect(doctor.stdout).toMatch(/fleet: 0 of 2 machines at work: studio-a not running.*; studio-b not running/);
    expect((await one.run(['doctor', '--machine', 'studio-b'])).stdout).toMatch(
      /fleet: 0 of 1 machine at work: studio-b/,
    );
  });

  test('show nothing that another member has written into the database as more than text', async () => {
    const { desks, database } = await makeFleet(stage.cluster, sandbox, ['studio-a', 'studio-b']);
    const [one, other] = desks;
    const id = freshId();
    await one.run(['upload', makeRecording({ name: id })], { env: { WEBHOOK_URL: 'http://127.0.0.1:9/webhook' } });
    await one.run(['upload', makeRecording({ name: freshId() })]);
    const evil = "E'\\x1b[31mevil\\n\\u202e'";
    for (const sql of [
      `UPDATE recordupload.deliveries SET endpoint = ${evil}, recording_id = recording_id || ${evil} WHERE state = 'pending'`,
      `UPDATE recordupload.recordings SET id = id || ${evil}, dir = ${evil}, machine = ${evil}, error = ${evil},
         state = 'partial' WHERE id = '${id}'`,
      `INSERT INTO recordupload.machines VALUES (${evil}, 'x', 1, 1, ${evil})`,
      `UPDATE recordupload.attempts SET excerpt = ${evil}, error = ${evil}`,
    ])
      await stage.cluster.run(sql, database);
    for (const command of [
      'status',
      'list',
      'webhook list',
      'retry --list',
      'retry',
      'retry --held',
      'webhook replay --held --dry-run --since 1h',
      'doctor',
    ]) {
      const { code, stdout, stderr } = await other.run(command.split(' '));
      const said = stdout + stderr;
      expect({ command, isBug: code === 1, isText: !/[\u001b\u202e]|^evil/m.test(said) }).toEqual({
        command,
        isBug: false,
        isText: true,
      });
    }
  });

  test('refuse a machine that nobody knows, and name those that are known', async () => {
    const { one, done } = await makeHistory();
    for (const command of [['status'], ['status', done], ['list'], ['webhook', 'history', done]]) {
      const { code, stderr } = await one.run([...command, '--machine', 'studio-c']);
      expect([code, stderr]).toEqual([
        2,
        'error: no machine of the fleet is called "studio-c" (known: studio-a, studio-b)\n',
      ]);
    }
    const alone = await openDesk(sandbox).run(['list', '--machine', 'studio-a']);
    expect([alone.code, alone.stderr]).toEqual([
      2,
      expect.stringContaining('--machine needs a state that several machines share, and this one is in a file'),
    ]);
  });

  test('say who is alive, since when, and what it is doing', async () => {
    const { desks } = await makeFleet(stage.cluster, sandbox, ['studio-a', 'studio-b']);
    const [one, other] = desks;
    const root = join(one.cwd, 'recordings');
    mkdirSync(root);
    const worker = one.start(['watch', root]);
    await worker.prints('watching');
    const id = freshId();
    const fault = sandbox.faults.add({
      server: 's3',
      operation: 'PutObject',
      key: `${id}/video.mkv`,
      action: { hang: 'before' },
    });
    const upload = other.start(['upload', makeRecording({ name: id })]);
    await until('the video is being sent', () => fault.hits() > 0);
    const { stdout } = await other.run(['status']);
    expect(stdout).toMatch(/ {2}studio-a {2}alive for .* {2}watching \(process \d+\), idle\n/);
    expect(stdout).toMatch(new RegExp(` {2}studio-b {2}alive for .* {2}uploading ${id}\n`));
    expect(stdout).toMatch(/by process \d+ on studio-b\n/);
    expect((await one.run(['doctor'])).stdout).toMatch(/fleet: 2 of 2 machines at work: studio-a alive for/);
    const document = readJson<Record<string, unknown>>(await other.run(['status', '--json'])).result;
    const alive = { ...MACHINE, since: 'string' };
    expect(shapeOf(document.machines)).toEqual([{ ...alive, worker: { pid: 'number', since: 'string' } }, alive]);
    expect(document.machines).toMatchObject([
      { name: 'studio-a', alive: true, uploading: 0 },
      { name: 'studio-b', alive: true, uploading: 1 },
    ]);
    expect(document.uploads).toMatchObject([{ id, machine: 'studio-b', state: 'uploading' }]);
    upload.kill('SIGKILL');
    worker.kill('SIGTERM');
    await Promise.all([upload.result, worker.result]);
    fault.remove();
  });

  test('give numbers of the fleet, each said to be so, and of each machine’s own worker', async () => {
    const { desks } = await makeFleet(stage.cluster, sandbox, ['studio-a', 'studio-b']);
    const [one, other] = desks;
    expect((await other.run(['upload', makeRecording()])).code).toBe(0);
    const root = join(one.cwd, 'recordings');
    mkdirSync(root);
    const worker = one.start(['watch', root]);
    await worker.prints('watching');
    const numbersOf = async (desk: Desk) => (await desk.run(['status', '--format', 'openmetrics'])).stdout;
    let mine = '';
    while (!mine.includes('{kind="worker"}')) mine = await numbersOf(one);
    const theirs = await numbersOf(other);
    worker.kill('SIGTERM');
    await worker.result;
    for (const text of [mine, theirs]) {
      expect(text).toContain('recordupload_recordings{state="done"} 1\n');
      expect(text).toContain('recordupload_machine_alive{machine="studio-a"} 1\n');
      expect(text).toContain('recordupload_machine_alive{machine="studio-b"} 0\n');
      // What two machines both show is the same, or of the machine and not of the fleet.
      const of = (name: string) => new RegExp(`# HELP ${name} .*Of the whole fleet`);
      expect(text).toMatch(of('recordupload_recordings'));
      expect(text).not.toMatch(of('recordupload_(?:build|worker|disk|fleet)_'));
    }
    expect(mine).toContain('recordupload_fleet_info{machine="studio-a"} 1\n');
    expect(theirs).toContain('recordupload_fleet_info{machine="studio-b"} 1\n');
    expect([mine, theirs].map(text => /^recordupload_worker_running (\d)/m.exec(text)?.[1])).toEqual(['1', '0']);
    expect(theirs).not.toContain('{kind="worker"}');
    if (spawnSync('promtool', ['--version']).error === undefined) {
      const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: mine, encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
    }
    const alone = await openDesk(sandbox).run(['status', '--format', 'openmetrics']);
    expect(alone.stdout).not.toMatch(/fleet|machine/);
  });

  test('say so in their documents', async () => {
    const { one, done } = await makeHistory();
    const status = await documentOf(one, ['status']);
    expect(shapeOf(status.machines)).toEqual([MACHINE]);
    expect(status).toMatchObject({ uploads: [{ machine: 'studio-b' }], refused: [{ machine: 'studio-b' }] });
    expect(await documentOf(one, ['status', done])).toMatchObject({ uploads: [{ machine: 'studio-a' }] });
    const list = await documentOf(one, ['list']);
    expect(shapeOf(list.machines)).toEqual([MACHINE]);
    expect(list).toMatchObject({
      recordings: [{ machine: 'studio-b' }, { machine: 'studio-a' }],
      refused: [{ machine: 'studio-b' }],
    });
    expect(await documentOf(one, ['webhook', 'history', done])).toMatchObject({ machine: 'studio-a' });
    // Of a machine alone, nothing says so.
    const desk = openDesk(sandbox);
    await desk.run(['upload', makeRecording()]);
    for (const command of [['status'], ['list']])
      expect(JSON.stringify(await documentOf(desk, command))).not.toContain('machine');
  });
});
