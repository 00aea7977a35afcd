import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openSandbox, webhooksOf } from '../support/desk.ts';
import { makeFleet, WITH_PASSWORD } from '../support/fleet.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { type Cluster, findPostgres, startCluster } from '../support/postgres.ts';
import { canMountDisk, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

/* The disk of the fleet's database is full. Only root may mount a small one; elsewhere this is left out. */

const describeWithDisk = canMountDisk() && findPostgres() !== undefined ? describe : describe.skip;

let sandbox: Sandbox;
let disk: SmallDisk;
let cluster: Cluster;
let desk: Desk;
beforeAll(async () => {
  sandbox = await openSandbox();
});
const setUp = async (makeCluster: () => Promise<Cluster>) => {
  cluster = await makeCluster();
  const fleet = await makeFleet(cluster, sandbox, ['studio-a'], { RECORDUPLOAD_SETTLE: '0s' });
  [desk] = fleet.desks;
  // Makes the schema.
  expect(await desk.run(['retry'])).toMatchObject({ code: 0 });
};
afterEach(async () => {
  await cluster.remove();
  disk.remove();
});

const FULL =
  /^warning: the disk of the state's database at 127\.0\.0\.1:\d+\/state_\d+ is full; uploads go on without it/m;

describeWithDisk('the disk of the database is full', () => {
  beforeEach(async () => {
    disk = mountSmallDisk('96m');
    await setUp(() => startCluster({ ...WITH_PASSWORD, data: disk.dir, settings: ['autovacuum = off'] }));
  });

  test('uploads go on, and with room each webhook is sent once', async () => {
    const ids = [freshId(), freshId()];
    disk.fill();
    const away = await desk.run(['upload', ...ids.map(name => makeRecording({ name }))]);
    expect(away).toMatchObject({ code: 0, stderr: expect.stringMatching(FULL) });
    expect(away.stderr.match(/warning:/g)).toHaveLength(1);
    expect(away.stdout.match(/queued on this machine/g)).toHaveLength(2);
    expect(await desk.run(['retry'])).toMatchObject({ code: 5, stderr: expect.stringMatching(FULL) });
    // The database can be read, and does not say that there is nothing to do.
    const line = "warning: the state's database does not know all about 2 recordings of this machine (studio-a) yet";
    expect((await desk.run(['status'])).stderr).toContain(line);
    for (const id of ids) expect(webhooksOf(sandbox, id)).toEqual([]);
    disk.free();
    expect(await desk.run(['retry'])).toMatchObject({ code: 0 });
    expect(await desk.run(['retry', '--now'])).toMatchObject({ code: 0 });
    for (const id of ids) expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('a worker says so once, and that there is room again', async () => {
    const id = freshId();
    const worker = desk.start(['watch', '--progress', 'plain']);
    await worker.prints('watching');
    disk.fill();
    const handedOver = await desk.run(['enqueue', makeRecording({ name: id })]);
    expect(handedOver).toMatchObject({ code: 0, stderr: expect.stringMatching(FULL) });
    await worker.prints('is full; uploads go on without it');
    await worker.prints(`${id}: uploaded`);
    disk.free();
    await worker.prints('the database of the state is back');
    await until(() => webhooksOf(sandbox, id).length > 0);
    worker.kill('SIGTERM');
    const { stderr } = await worker.result;
    expect(stderr.match(/is full/g)).toHaveLength(1);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });
});

describeWithDisk('the disk of the database’s write-ahead log is full', () => {
  beforeEach(async () => {
    disk = mountSmallDisk('64m');
    await setUp(() =>
      startCluster({
        ...WITH_PASSWORD,
        wal: disk.dir,
        isDurable: true,
        settings: ['min_wal_size = 32MB', 'max_wal_size = 32MB', 'wal_recycle = off', 'wal_keep_size = 0'],
      }),
    );
  });

  test('PostgreSQL panics: uploads go on, and once it runs again each webhook is sent once', async () => {
    const ids = [freshId(), freshId(), freshId()];
    const running = desk.start(['upload', makeRecording({ name: ids[0] })], { env: { RECORDUPLOAD_BWLIMIT: '64KiB' } });
    await running.prints('thumbnail.jpg');
    disk.fill();
    // A new segment of the log does not fit any more: that fails, or ends the server.
    const panics = cluster.run('SELECT pg_switch_wal(); CREATE TABLE filler AS SELECT generate_series(1, 200000) AS n');
    await expect(panics).rejects.toThrow();
    const first = await running.result;
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('queued on this machine') });
    const others = await desk.run(['upload', ...ids.slice(1).map(name => makeRecording({ name }))]);
    for (const { stderr } of [first, others])
      expect(stderr.match(/^warning: the (?:disk of the )?state's database at /gm)).toHaveLength(1);
    expect(others).toMatchObject({ code: 0 });
    disk.free();
    await cluster.stop('immediate');
    await cluster.start();
    expect(await desk.run(['retry'])).toMatchObject({ code: 0 });
    expect(await desk.run(['retry', '--now'])).toMatchObject({ code: 0 });
    for (const id of ids) expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 20));
}
