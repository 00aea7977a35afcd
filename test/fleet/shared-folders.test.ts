import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type LossyProxy, startLossyProxy } from '../state/postgres/lossy-proxy.ts';
import { describeWithPostgres } from '../state/postgres/support.ts';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { type Cluster, startCluster } from '../support/postgres.ts';

describeWithPostgres('a machine of a fleet with shared folders is cut off from the database', () => {
  let sandbox: Sandbox;
  let cluster: Cluster;
  let proxy: LossyProxy;
  let url: (port: number) => string;
  beforeAll(async () => {
    sandbox = await openSandbox();
    cluster = await startCluster();
    const database = await cluster.createDatabase();
    proxy = await startLossyProxy(cluster.port);
    url = port => `postgres://postgres@127.0.0.1:${port}/${database}`;
  });
  afterAll(async () => {
    await proxy?.close();
    await cluster?.remove();
  });

  test('its upload ends, and another machine goes on with it part by part', async () => {
    const openMachine = (machine: string, port: number) =>
      openDesk(sandbox, {
        RECORDUPLOAD_STATE_URL: url(port),
        RECORDUPLOAD_MACHINE: machine,
        RECORDUPLOAD_SHARED_FOLDERS: 'true',
        RECORDUPLOAD_SETTLE: '0s',
      });
    const [cutOff, other] = [openMachine('studio-a', proxy.port), openMachine('studio-b', cluster.port)];
    const id = freshId();
    const dir = makeRecording({ name: id, videoBytes: 64 * 1024 * 1024 });
    const parts = () => sandbox.s3.requests().filter(({ operation }) => operation === 'UploadPart');
    const upload = cutOff.start(['upload', dir], { env: { RECORDUPLOAD_BWLIMIT: '4MiB' } });
    while (parts().filter(({ status }) => status === 200).length < 2) await new Promise(done => setTimeout(done, 20));
    await proxy.close();
    const { code, stderr } = await upload.result;
    expect({ code, stderr }).toMatchObject({ code: 6, stderr: expect.stringContaining('waits for the state') });
    expect(webhooksOf(sandbox, id)).toEqual([]);
    const sent = parts().length;

    const again = await cutOff.run(['upload', dir]);
    expect(again).toMatchObject({ code: 6, stderr: expect.stringContaining('uploads wait until it is back') });
    expect(parts()).toHaveLength(sent);

    const retried = await other.run(['retry']);
    expect({ code: retried.code, stderr: retried.stderr }).toMatchObject({ code: 0 });
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(sandbox.s3.requests().filter(({ operation }) => operation === 'CreateMultipartUpload')).toHaveLength(1);
    // Once it reaches the database again, it has nothing left to do.
    expect(await cutOff.run(['retry'], { env: { RECORDUPLOAD_STATE_URL: url(cluster.port) } })).toMatchObject({
      code: 0,
    });
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });
});
