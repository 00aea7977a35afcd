import { describe, expect, test } from '@jest/globals';
import { claimAll, FILE_REF, HOUR, NOW, part, RECORDING, TARGET, UPLOAD } from './facts.ts';
import type { Stage } from './stage.ts';

const OPTIONS = { webhooks: true, now: NOW + HOUR };

/** Processes that are killed in the middle of their work. */
export function crashesConform(stage: Stage): void {
  describe('a process that is killed', () => {
    test('leaves its recording to the next, at once', async () => {
      await stage.crash('begins an upload');
      const { journal, overview } = stage.state;
      expect((await overview.all({ limit: 1 })).uploads).toMatchObject([{ state: 'partial', pid: null, since: NOW }]);
      expect(await journal.begin(TARGET, RECORDING, OPTIONS)).toMatchObject({ ok: true });
    });

    test('leaves every part that it has stored', async () => {
      await stage.crash('stores parts');
      const open = await stage.state.journal.openUpload(FILE_REF);
      expect(open).toEqual({ upload: UPLOAD, parts: [part(1), part(2)] });
      expect((await stage.state.journal.unfinished(TARGET)).map(({ state }) => state)).toEqual(['uploading']);
    });

    test('loses its claims once another process repairs the endpoint, long before their lease is over', async () => {
      await stage.crash('claims a delivery');
      expect(await claimAll(stage.state)).toEqual([]);
      await stage.state.claims.repair('another endpoint', NOW);
      expect(await claimAll(stage.state)).toHaveLength(1);
    });

    test('leaves every folder that it has put into the queue', async () => {
      await stage.crash('enqueues a folder');
      expect(await stage.state.queue.list()).toMatchObject([{ dir: '/r/3', origin: 'enqueued', state: 'waiting' }]);
    });

    test('has stored a write in full or not at all', async () => {
      await stage.crash('asks for writes and does not wait for them');
      const queued = (await stage.state.outbox.list({})).length;
      expect([0, 3]).toContain(queued);
    });

    test('is tidied up by a later pruning', async () => {
      await stage.crash('begins an upload');
      const { housekeeping } = stage.state;
      const prune = (now: number) => housekeeping.prune({ settledBefore: 0, now, dryRun: false });
      expect(await prune(Date.now())).toMatchObject({ deadOwners: 0 });
      expect(await prune(Date.now() + 2 * HOUR)).toMatchObject({ deadOwners: 1 });
      expect(await prune(Date.now() + 2 * HOUR)).toMatchObject({ deadOwners: 0 });
    });
  });
}
