import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { describeWithPostgres, useCluster } from '../state/postgres/support.ts';
import { type Desk, openDesk, openSandbox, sentBytes, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { makeRecorderDatabase } from '../support/postgres.ts';

describeWithPostgres('the database of a fleet is away', () => {
  let sandbox: Sandbox;
  const stage = useCluster({ isDurable: true });
  let database: string;
  let url: string;
  beforeAll(async () => {
    sandbox = await openSandbox();
  });
  beforeEach(async () => {
    ({ database, url } = await makeRecorderDatabase(stage.cluster));
    sandbox.s3.resetRequests();
    sandbox.receiver.resetRequests();
  });

  const openMachine = (machine = 'studio-a'): Desk =>
    openDesk(sandbox, {
      RECORDUPLOAD_STATE_URL: url,
      RECORDUPLOAD_MACHINE: machine,
      RECORDUPLOAD_SETTLE: '0s',
    });
  const inDatabase = async (sql: string) => await stage.cluster.run(sql, database);

  test('an upload goes on, and its webhook is sent once the database is back', async () => {
    const desk = openMachine();
    const id = freshId();
    const dir = makeRecording({ name: id });
    await stage.cluster.stop('immediate');
    const away = await desk.run(['upload', dir]);
    expect(away).toMatchObject({ code: 0 });
    expect(away.stderr).toContain('uploads go on without it');
    expect(away.stderr.match(/cannot be reached/g)).toHaveLength(1);
    expect(away.stdout).toContain('queued on this machine');
    expect(webhooksOf(sandbox, id)).toEqual([]);
    const status = await desk.run(['status']);
    expect(status.stderr).toContain('this is what this machine (studio-a) knows');
    expect(status.stdout).toContain(id);
    await stage.cluster.start();
    const retried = await desk.run(['retry']);
    expect({ code: retried.code, stderr: retried.stderr }).toMatchObject({ code: 0 });
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    await desk.run(['retry']);
    await desk.run(['upload', dir]);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(await inDatabase('SELECT id, machine, state FROM recordupload.recordings')).toEqual([
      { id, machine: 'studio-a', state: 'done' },
    ]);
  });

  test('what is handed over meanwhile is uploaded, by a worker that notices by itself that the database is back', async () => {
    const desk = openMachine();
    const ids = [freshId(), freshId(), freshId()];
    await desk.run(['enqueue', makeRecording({ name: ids[0] })]);
    const worker = desk.start(['watch', '--progress', 'plain', makeRecording({ name: ids[1] })]);
    await worker.prints('watching');
    await until(() => webhooksOf(sandbox, ids[0]!).length > 0);
    await stage.cluster.stop('immediate');
    const enqueued = await desk.run(['enqueue', makeRecording({ name: ids[2] })]);
    expect(enqueued).toMatchObject({ code: 0 });
    await worker.prints('uploads go on without it');
    await until(() => sandbox.s3.objects().some(({ key }) => key === `${ids[2]}/metadata.json`));
    expect(webhooksOf(sandbox, ids[2]!)).toEqual([]);
    await stage.cluster.start();
    await worker.prints('the database of the state is back');
    await until(() => webhooksOf(sandbox, ids[2]!).length > 0);
    worker.kill('SIGTERM');
    await worker.result;
    await desk.run(['retry', '--now']);
    for (const id of [ids[0]!, ids[2]!]) expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(await inDatabase('SELECT dir FROM recordupload.queue')).toEqual([]);
  });

  test('an upload that was killed meanwhile goes on where it was, also without the database', async () => {
    const desk = openMachine();
    const id = freshId();
    const dir = makeRecording({ name: id, videoBytes: 40 * 1024 * 1024 });
    await stage.cluster.stop('immediate');
    const killed = desk.start(['upload', dir], { env: { RECORDUPLOAD_BWLIMIT: '8MiB' } });
    await until(() => sandbox.s3.requests().filter(({ operation }) => operation === 'UploadPart').length >= 2);
    killed.kill('SIGKILL');
    await killed.result;
    const again = await desk.run(['upload', dir]);
    expect(again).toMatchObject({ code: 0 });
    await stage.cluster.start();
    expect(await desk.run(['retry'])).toMatchObject({ code: 0 });
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(sandbox.s3.requests().filter(({ operation }) => operation === 'CreateMultipartUpload')).toHaveLength(1);
    expect(sentBytes(sandbox, id)[`${id}/video.mkv`]).toBeLessThan(60 * 1024 * 1024);
  });

  test('an upload under way loses the database and goes on', async () => {
    const desk = openMachine();
    const id = freshId();
    const dir = makeRecording({ name: id, videoBytes: 40 * 1024 * 1024 });
    const upload = desk.start(['upload', dir], { env: { RECORDUPLOAD_BWLIMIT: '8MiB' } });
    await until(() => sandbox.s3.requests().some(({ operation }) => operation === 'UploadPart'));
    await stage.cluster.stop('immediate');
    const { code, stdout } = await upload.result;
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('queued on this machine') });
    await stage.cluster.start();
    expect(await desk.run(['retry'])).toMatchObject({ code: 0 });
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(await inDatabase('SELECT state FROM recordupload.recordings')).toEqual([{ state: 'done' }]);
    expect(await inDatabase('SELECT upload_id FROM recordupload.begun_uploads')).toEqual([]);
    expect(await inDatabase('SELECT number FROM recordupload.parts')).toEqual([]);
  });

  test.each([
    [
      'refuses all writes',
      'ALTER SYSTEM SET default_transaction_read_only = on',
      'ALTER SYSTEM RESET default_transaction_read_only',
      'refuses all writes',
    ],
    [
      'lets this machine not in',
      'ALTER DATABASE $ ALLOW_CONNECTIONS false',
      'ALTER DATABASE $ ALLOW_CONNECTIONS true',
      'is not currently accepting connections',
    ],
    [
      'has no connection left',
      'ALTER DATABASE $ CONNECTION LIMIT 0',
      'ALTER DATABASE $ CONNECTION LIMIT -1',
      'has no connection left',
    ],
  ])('a database that %s loses nothing', async (_, breaks, mends, said) => {
    const desk = openMachine();
    const [before, id] = [freshId(), freshId()];
    await desk.run(['upload', makeRecording({ name: before })]);
    await stage.cluster.run(breaks.replace('$', database));
    await stage.cluster.run('SELECT pg_reload_conf()');
    await stage.cluster.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`);
    const away = await desk.run(['upload', makeRecording({ name: id })]);
    await stage.cluster.run(mends.replace('$', database));
    await stage.cluster.run('SELECT pg_reload_conf()');
    expect(away).toMatchObject({ code: 0, stderr: expect.stringContaining(said) });
    expect(await desk.run(['retry'])).toMatchObject({ code: 0 });
    for (const one of [before, id]) expect(webhooksOf(sandbox, one)).toHaveLength(1);
  });

  test('what came of a webhook under way is kept, so that it is not sent again', async () => {
    const desk = openMachine();
    const id = freshId();
    sandbox.faults.add({ server: 'webhook', action: { delayMs: 3_000 } });
    const upload = desk.start(['upload', makeRecording({ name: id })]);
    await upload.prints('Sending webhook');
    await stage.cluster.stop('immediate');
    const { code, stdout } = await upload.result;
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('webhook delivered') });
    await stage.cluster.start();
    expect(await desk.run(['retry', '--now'])).toMatchObject({ code: 0 });
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(await inDatabase('SELECT state, attempts FROM recordupload.deliveries')).toEqual([
      { state: 'delivered', attempts: 1 },
    ]);
  });

  test('several recordings and versions of one come over in order, each once, by two processes at the same time', async () => {
    const desk = openMachine();
    const id = freshId();
    const dir = makeRecording({ name: id });
    await desk.run(['upload', dir, '--title', 'first'], { env: { WEBHOOK_URL: 'http://127.0.0.1:9/webhook' } });
    await stage.cluster.stop('immediate');
    const others = [freshId(), freshId(), freshId()];
    await desk.run(['upload', dir, '--title', 'second']);
    await desk.run(['upload', ...others.map(name => makeRecording({ name }))]);
    await desk.run(['upload', dir, '--title', 'third']);
    await stage.cluster.start();
    await Promise.all([desk.run(['retry', '--now']), desk.run(['retry', '--now'])]);
    await desk.run(['retry', '--now']);
    expect(webhooksOf(sandbox, id).map(({ body }) => body.title)).toEqual(['third']);
    for (const other of others) expect(webhooksOf(sandbox, other)).toHaveLength(1);
    expect(
      await inDatabase(`SELECT state FROM recordupload.deliveries WHERE recording_id = '${id}' ORDER BY seq`),
    ).toEqual([{ state: 'superseded' }, { state: 'superseded' }, { state: 'delivered' }]);
  });
});

/** Waits until something has happened in another process. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 20));
}
