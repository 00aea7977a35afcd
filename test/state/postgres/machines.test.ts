import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ClaimedDelivery } from '../../../src/core/delivery/delivery.ts';
import type { RecordingId } from '../../../src/core/recording/recording.ts';
import type { State } from '../../../src/state/open.ts';
import {
  claimAll,
  deliver,
  enqueue,
  FACTS,
  FILE_REF,
  NOW,
  OBJECT,
  part,
  RECORDING,
  REF,
  TARGET,
  UPLOAD,
} from '../conformance/facts.ts';
import { failureOf } from '../sqlite/support.ts';
import { describeWithPostgres, emptyState, openPostgres, useCluster } from './support.ts';

const OPTIONS = { webhooks: true, now: NOW };
const ASKED = { webhook: true, force: false, finished: true };

describeWithPostgres('machines that share a state', () => {
  const stage = useCluster();
  let name: string | undefined;
  const opened: State[] = [];
  beforeEach(async () => {
    name ??= await stage.cluster.createDatabase();
  });
  afterEach(async () => {
    for (const state of opened.splice(0)) await state.close();
    await emptyState(stage.cluster, name!);
  });

  const open = async (machine: string, pid: number, { sharedFolders = false } = {}) => {
    const fleet = { url: stage.cluster.url(name!), machine, sharedFolders, program: 'recordupload/test' };
    const state = await openPostgres(fleet, pid);
    opened.push(state);
    return state;
  };
  /** Ends a machine's process without letting it say good-bye: the server ends its sessions. */
  /** Ends the sessions of a machine, and lets its processes notice that. */
  const kill = async (machine: string) => {
    await stage.cluster.run(
      `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE '% on ${machine}'`,
    );
    await setImmediate();
  };
  const begin = ({ journal }: State, recording = RECORDING) => journal.begin(TARGET, recording, OPTIONS);

  describe('an id', () => {
    test('is one machine’s, while its upload is under way, unfinished and done', async () => {
      const [one, other] = [await open('studio-a', 1), await open('studio-b', 2)];
      expect(await begin(one)).toMatchObject({ ok: true });
      const refusal = { ok: false, machine: 'studio-a' };
      expect(await begin(other)).toEqual(refusal);
      await one.journal.finish(REF, { state: 'partial', error: 'the disk', now: NOW });
      expect(await begin(other)).toEqual(refusal);
      expect(await other.journal.beginLive(TARGET, RECORDING, { now: NOW })).toEqual(refusal);
      await begin(one);
      await one.journal.finish(REF, { state: 'done', error: null, now: NOW });
      expect(await begin(other, { ...RECORDING, dir: '/elsewhere/3' })).toEqual(refusal);
      await one.close();
      expect(await begin(other)).toEqual(refusal);
    });

    test('that two machines want at the same time is the faster one’s', async () => {
      const machines = await Promise.all(['a', 'b', 'c', 'd'].map((letter, index) => open(`studio-${letter}`, index)));
      for (let round = 0; round < 5; round++) {
        const recording = { ...RECORDING, id: `round-${round}` as RecordingId };
        const results = await Promise.all(machines.map(machine => begin(machine, recording)));
        expect(results.filter(({ ok }) => ok)).toHaveLength(1);
      }
    });
  });

  test('each machine has its own folders, queue and worker', async () => {
    const [one, other] = [await open('studio-a', 1), await open('studio-b', 2)];
    await begin(one);
    await one.journal.fileFailed(FILE_REF, FACTS, 'no network', NOW);
    await one.journal.finish(REF, { state: 'partial', error: 'no network', now: NOW });
    const entry = { dir: '/recordings/4', recordingId: '4', origin: 'enqueued' as const, asked: ASKED };
    await one.queue.add([entry], NOW);
    expect(await one.journal.unfinished(TARGET)).toMatchObject([{ id: '3' }]);
    expect(await other.journal.unfinished(TARGET)).toEqual([]);
    expect(await one.folders.get(TARGET, RECORDING.dir)).toMatchObject({
      known: { recordingId: '3', state: 'partial' },
    });
    expect(await other.folders.get(TARGET, RECORDING.dir)).toEqual({ known: undefined, queued: undefined });
    expect(await other.queue.list()).toEqual([]);
    // The same path on another machine is another folder.
    await other.queue.add([{ ...entry, recordingId: '5' }], NOW);
    expect((await one.queue.list()).map(({ recordingId }) => recordingId)).toEqual(['4']);
    expect(await one.takeWorker(NOW)).toMatchObject({ ok: true });
    expect(await other.takeWorker(NOW)).toMatchObject({ ok: true });
    expect(await (await open('studio-a', 3)).takeWorker(NOW)).toEqual({ ok: false, pid: 1, since: NOW });
  });

  test('a machine may call uploads abandoned that it has begun, and none that any machine has open', async () => {
    const [one, other] = [await open('studio-a', 1), await open('studio-b', 2)];
    await one.journal.beginUpload(REF, UPLOAD, [part(1)], NOW);
    expect(await other.journal.openUploadIds(TARGET)).toEqual(new Set(['u1']));
    expect(await other.journal.begunUploads(TARGET)).toEqual([]);
    expect(await one.journal.begunUploads(TARGET)).toHaveLength(1);
  });

  describe('shared folders', () => {
    const SHARED = { sharedFolders: true };

    test('another machine goes on with what a dead one has left, part by part', async () => {
      const [one, other] = [await open('studio-a', 1, SHARED), await open('studio-b', 2, SHARED)];
      const first = await begin(one);
      await one.journal.beginUpload(REF, UPLOAD, [part(1), part(2)], NOW);
      expect(await other.journal.unfinished(TARGET)).toEqual([]);
      expect(await begin(other)).toEqual({ ok: false, pid: 1, machine: 'studio-a' });
      expect(await other.folders.get(TARGET, RECORDING.dir)).toMatchObject({ known: { isAtWork: true } });
      await kill('studio-a');
      expect(await other.journal.unfinished(TARGET)).toMatchObject([{ id: '3', state: 'uploading' }]);
      expect(await begin(other)).toEqual(first);
      expect((await other.journal.openUpload(FILE_REF))?.parts).toEqual([part(1), part(2)]);
    });

    test('a machine that was cut off changes nothing of what another one has taken over', async () => {
      const [one, other] = [await open('studio-a', 1, SHARED), await open('studio-b', 2, SHARED)];
      await begin(one);
      await one.journal.beginUpload(REF, UPLOAD, [part(1)], NOW);
      await kill('studio-a');
      await begin(other);
      const late = [
        one.journal.addParts(FILE_REF, [part(2)]),
        one.journal.dropUpload(FILE_REF),
        one.journal.fileUploaded(FILE_REF, FACTS, OBJECT, { now: NOW, sentBytes: 1 }),
        one.journal.finish(REF, { state: 'done', error: null, now: NOW }),
      ];
      for (const write of late) {
        const { code, message } = await failureOf(write);
        expect([code, message]).toEqual([
          'BUSY',
          expect.stringContaining('process 2 on studio-b has taken recording 3 over'),
        ]);
      }
      await one.journal.release(REF);
      expect((await other.journal.openUpload(FILE_REF))?.parts).toEqual([part(1)]);
      expect(await other.journal.finish(REF, { state: 'done', error: null, now: NOW })).toEqual([]);
    });

    test('the id of another folder is still another machine’s', async () => {
      const [one, other] = [await open('studio-a', 1, SHARED), await open('studio-b', 2, SHARED)];
      await begin(one);
      await kill('studio-a');
      expect(await begin(other, { ...RECORDING, dir: '/elsewhere/3' })).toEqual({ ok: false, machine: 'studio-a' });
    });
  });

  test('a machine that was cut off goes on with what nobody has taken over', async () => {
    const [one, other] = [await open('studio-a', 1), await open('studio-b', 2)];
    await begin(one);
    await kill('studio-a');
    await one.journal.beginUpload(REF, UPLOAD, [part(1)], NOW);
    // Its next claim gives it a session again, and the recording stays its own.
    await begin(one, { ...RECORDING, id: '4' as RecordingId, dir: '/recordings/4' });
    expect(await begin(await open('studio-a', 3))).toEqual({ ok: false, pid: 1 });
    const webhook = { endpoints: ['default'], payload: '{"recording_id":3}', contentHash: 'h1' };
    expect(await one.journal.finish(REF, { state: 'done', error: null, webhook, now: NOW })).toMatchObject([
      { how: 'new' },
    ]);
    expect(await other.outbox.list({})).toHaveLength(1);
  });

  describe('a machine that was cut off while it had claimed webhooks', () => {
    const cutOff = async () => {
      const [one, other] = [await open('studio-a', 1), await open('studio-b', 2)];
      for (const id of [1, 2]) await enqueue(one, id);
      const [first, second] = (await claimAll(one)) as [ClaimedDelivery, ClaimedDelivery];
      expect(await one.claims.isOurs?.(first)).toBe(true);
      await kill('studio-a');
      return { one, other, first, second };
    };

    test('begins no POST of what the others may take, and settles nothing of it', async () => {
      const { one, other, first, second } = await cutOff();
      expect([await one.claims.isOurs?.(first), await one.claims.isOurs?.(second)]).toEqual([false, false]);
      await other.claims.repair('default', NOW);
      const taken = await claimAll(other);
      expect(taken.map(({ seq }) => seq)).toEqual([first.seq, second.seq]);
      expect(await deliver(one, first)).toBe(false);
      expect(await other.outbox.get(first.seq)).toMatchObject({ state: 'pending', attempts: 1 });
      expect(await deliver(other, taken[0]!)).toBe(true);
      const [{ delivery, attempts } = { delivery: undefined, attempts: [] }] = await one.outbox.history('1');
      expect([delivery?.state, attempts.length]).toEqual(['delivered', 2]);
      expect(await other.claims.isOurs?.(taken[1]!)).toBe(true);
    });

    test('settles what nobody has taken, and has the rest again with its next session', async () => {
      const { one, other, first, second } = await cutOff();
      expect(await deliver(one, first)).toBe(true);
      await enqueue(one, 3);
      expect(await claimAll(one)).toHaveLength(1);
      expect(await one.claims.isOurs?.(second)).toBe(true);
      await other.claims.repair('default', NOW);
      expect(await claimAll(other)).toEqual([]);
      expect(await deliver(one, second)).toBe(true);
    });
  });

  test('the removal of local files keeps other machines’ folders of the same path', async () => {
    const [one, other] = [await open('studio-a', 1), await open('studio-b', 2)];
    await begin(one);
    await one.journal.finish(REF, { state: 'done', error: null, sent: true, now: NOW });
    expect(await one.localFiles.kept(TARGET, { doneBefore: NOW })).toMatchObject([{ id: '3' }]);
    expect(await other.localFiles.kept(TARGET, { doneBefore: NOW })).toEqual([]);
    expect(await one.localFiles.claim(REF, NOW)).toMatchObject({ ok: true, recording: { id: '3', others: [] } });
    // The folder of that path on the other machine is another one, so that it may be uploaded meanwhile.
    const fourth = { ...RECORDING, id: '4' as RecordingId };
    expect(await begin(other, fourth)).toMatchObject({ ok: true });
    expect(await begin(await open('studio-a', 3), { ...RECORDING, id: '5' as RecordingId })).toEqual({
      ok: false,
      pid: 1,
    });
    await one.localFiles.removed(REF, NOW);
    expect(await one.localFiles.removedFrom(RECORDING.dir)).toMatchObject({ recordingId: '3', removedAt: NOW });
    expect(await other.localFiles.removedFrom(RECORDING.dir)).toBeUndefined();
  });
});
