import { expect, test } from '@jest/globals';
import { describeWithPostgres, useCluster } from '../state/postgres/support.ts';
import { openSandbox, webhooksOf } from '../support/desk.ts';
import { makeFleet, WITH_PASSWORD } from '../support/fleet.ts';
import { filler, freshId, makeRecording } from '../support/make-recording.ts';
import { until } from '../watch/support.ts';

/* Who of a fleet may upload what: an ID is one machine's, and what a dead machine has left is taken over where folders are shared. */

const sandbox = await openSandbox({ receiver: { users: 'any' } });
/** Bytes: five parts. */
const SIZE = 40_000_000;
const sidecar = { 'recording.json': '{"duration_seconds": 9}' };

/** The numbers of the parts of a video that were sent whole, in that order. */
const partsOf = (id: string) =>
  sandbox.s3
    .requests()
    .filter(one => one.operation === 'UploadPart' && one.key === `${id}/video.mkv` && one.status === 200)
    .map(({ partNumber }) => partNumber);

/** The video's third part hangs. */
const hangAtLastPart = (id: string) =>
  sandbox.faults.add({
    server: 's3',
    operation: 'UploadPart',
    key: `${id}/video.mkv`,
    from: 3,
    times: Number.POSITIVE_INFINITY,
    action: { hang: 'before' },
  });

describeWithPostgres('two machines of a fleet', () => {
  const stage = useCluster(WITH_PASSWORD);

  test('cannot take one ID, whether its upload is over, under way or broken off; a prefix or --id helps', async () => {
    const { desks } = await makeFleet(stage.cluster, sandbox, ['a', 'b']);
    const [a, b] = desks;
    const id = freshId();
    const fault = hangAtLastPart(id);
    const theirs = makeRecording({ name: id, videoBytes: SIZE, files: sidecar });
    const run = a.start(['upload', theirs, '--concurrency', '1']);
    await until('two parts are in the bucket', () => partsOf(id).length === 2);

    const dir = makeRecording({ name: id });
    const refused = async () => {
      const { code, stderr } = await b.run(['upload', dir]);
      expect(code).toBe(3);
      expect(stderr).toContain(
        `machine a has a recording with the ID ${id} (give this one another ID: --id, or an idPrefix in the configuration of each machine`,
      );
    };
    await refused();
    run.kill('SIGKILL');
    await run.result;
    await refused();
    fault.remove();
    expect((await a.run(['upload', theirs])).code).toBe(0);
    await refused();
    expect((await sandbox.s3.read(`${id}/video.mkv`)).equals(filler(SIZE))).toBe(true);

    expect((await b.run(['upload', dir], { env: { RECORDUPLOAD_ID_PREFIX: 'b-' } })).code).toBe(0);
    expect(webhooksOf(sandbox, `b-${id}`).map(({ status }) => status)).toEqual([201]);
    expect((await b.run(['upload', dir, '--id', `other-${id}`])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('with sharedFolders: the second one resumes what the first one left when it died, part by part', async () => {
    const shared = { RECORDUPLOAD_SHARED_FOLDERS: 'true' };
    const { desks, database } = await makeFleet(stage.cluster, sandbox, ['a', 'b'], shared);
    const [a, b] = desks;
    const id = freshId();
    const dir = makeRecording({ name: id, videoBytes: SIZE, files: sidecar });
    const fault = hangAtLastPart(id);
    const run = a.start(['upload', dir, '--concurrency', '1']);
    await until('the third part is under way', () => fault.hits() > 0);
    // While the first one lives, it is that one's.
    const busy = await b.run(['upload', dir]);
    expect([busy.code, busy.stderr]).toEqual([6, expect.stringMatching(/another process \(pid \d+ on a\) is at work/)]);
    run.kill('SIGKILL');
    await run.result;
    fault.remove();
    expect(partsOf(id)).toEqual([1, 2]);

    sandbox.s3.resetRequests();
    const { code, stderr } = await b.run(['retry']);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`${id}/video.mkv: resuming at`)]);
    // Of the parts, none that was in the bucket is sent again: only the one that was under way, and those after it.
    expect([...partsOf(id)].sort()).toEqual([3, 4, 5]);
    expect((await sandbox.s3.read(`${id}/video.mkv`)).equals(filler(SIZE))).toBe(true);
    expect(sandbox.s3.uploads()).toEqual([]);
    expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([201]);
    expect(await stage.cluster.run('SELECT id, machine, state FROM recordupload.recordings', database)).toEqual([
      { id, machine: 'b', state: 'done' },
    ]);
  });
});
