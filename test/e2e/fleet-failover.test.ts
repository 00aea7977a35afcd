import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { describeWithPostgres } from '../state/postgres/support.ts';
import { type Desk, openSandbox, webhooksOf } from '../support/desk.ts';
import { makeFleet } from '../support/fleet.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { type Cluster, startCluster } from '../support/postgres.ts';
import { type Standby, startStandby } from '../support/standby.ts';

/* The primary of a fleet's database dies, and its standby takes its place; `stateUrl` names both. */

describeWithPostgres('failover to the other host of stateUrl', () => {
  let sandbox: Sandbox;
  let cluster: Cluster;
  let standby: Standby;
  let desk: Desk;
  let database: string;
  beforeAll(async () => {
    sandbox = await openSandbox();
  });
  beforeEach(async () => {
    sandbox.receiver.resetRequests();
    cluster = await startCluster({
      access: ['host all all all scram-sha-256', 'local replication postgres trust'],
      settings: ['synchronous_commit = on'],
    });
    const fleet = await makeFleet(cluster, sandbox, ['studio-a'], { RECORDUPLOAD_SETTLE: '0s' });
    [desk] = fleet.desks;
    database = fleet.database;
    standby = await startStandby(cluster);
    desk.env.RECORDUPLOAD_STATE_URL = fleet.url.replace(
      `127.0.0.1:${cluster.port}/`,
      `127.0.0.1:${cluster.port},127.0.0.1:${standby.port}/`,
    );
    // What was committed is at the standby, too.
    await cluster.run("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await cluster.run('SELECT pg_reload_conf()');
    expect(await desk.run(['upload', makeRecording()])).toMatchObject({ code: 0 });
  });
  afterEach(async () => {
    standby.stop();
    await cluster.remove();
  });

  test('in the middle of an upload: its webhook is sent once, after the promotion', async () => {
    const id = freshId();
    const running = desk.start(['upload', makeRecording({ name: id })], { env: { RECORDUPLOAD_BWLIMIT: '64KiB' } });
    await running.prints('thumbnail.jpg');
    await cluster.stop('immediate');
    const { code, stdout, stderr } = await running.result;
    const line = 'is a read-only standby (promote it, or name the primary, too: postgres://user@first,second/database)';
    expect({ code, stdout, stderr }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('queued on this machine'),
      stderr: expect.stringContaining(`${line}; uploads go on without it`),
    });
    expect(stderr.match(/warning:/g)).toHaveLength(1);
    expect(webhooksOf(sandbox, id)).toEqual([]);
    standby.promote();
    expect(await desk.run(['retry'])).toMatchObject({ code: 0 });
    expect(await desk.run(['retry', '--now'])).toMatchObject({ code: 0 });
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect((await desk.run(['status'])).stderr).toBe('');
  });

  test('an old primary that comes back, and takes writes, is left alone', async () => {
    const ids = [freshId(), freshId()] as const;
    await cluster.stop('immediate');
    standby.promote();
    expect(await desk.run(['upload', makeRecording({ name: ids[0] })])).toMatchObject({ code: 0 });
    // It waits for no standby then.
    await cluster.start({ settings: ['synchronous_standby_names='] });
    const { code, stderr } = await desk.run(['upload', makeRecording({ name: ids[1] })]);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') });
    expect((await desk.run(['list'])).stdout).toContain(ids[0]);
    expect(await cluster.run('SELECT id FROM recordupload.recordings', database)).toHaveLength(1);
    for (const id of ids) expect(webhooksOf(sandbox, id)).toHaveLength(1);
    // Without the other one, it has its line.
    standby.stop();
    const away = await desk.run(['upload', makeRecording()]);
    expect(away).toMatchObject({ code: 0, stdout: expect.stringContaining('queued on this machine') });
    expect(away.stderr).toContain('is an old primary, and another server has taken its place (stop it, or make it');
    expect((await desk.run(['status'])).stderr).toContain('is an old primary');
    expect((await desk.run(['doctor'])).stdout).toMatch(/✘ state database: .* is an old primary/);
  });

  test('under a worker: it goes on at the other host by itself', async () => {
    const ids = [freshId(), freshId(), freshId()] as const;
    await desk.run(['enqueue', makeRecording({ name: ids[0] })]);
    const worker = desk.start(['watch', '--progress', 'plain']);
    await until(() => webhooksOf(sandbox, ids[0]).length > 0);
    await cluster.stop('immediate');
    expect(await desk.run(['enqueue', makeRecording({ name: ids[1] })])).toMatchObject({ code: 0 });
    await worker.prints('uploads go on without it');
    await until(() => sandbox.s3.objects().some(({ key }) => key === `${ids[1]}/metadata.json`));
    standby.promote();
    await until(() => webhooksOf(sandbox, ids[1]).length > 0);
    expect(await desk.run(['enqueue', makeRecording({ name: ids[2] })])).toMatchObject({ code: 0 });
    await until(() => webhooksOf(sandbox, ids[2]).length > 0);
    worker.kill('SIGTERM');
    await worker.result;
    await desk.run(['retry', '--now']);
    for (const id of ids) expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 20));
}
